/** Brings the later parts of a long transcript to the page as they are needed. */

/** How far below the window the end of what is there may come before more is fetched. */
const AHEAD = "1500px";

/** How long a failure keeps from the next attempt; a player asks four times a second. */
const RETRY_MS = 5_000;

export class LaterParts {
  private coming: Promise<boolean> | null = null;

  private readonly list: Element;
  private readonly onSegments: (segments: readonly Element[]) => void;
  private readonly fetchPage: typeof fetch;
  private retryAt = 0;

  /**
   * @param list Holds the segments.
   * @param onSegments Told of those that have come, in order.
   * @param fetchPage As the browser's `fetch`.
   */
  constructor(
    list: Element,
    onSegments: (segments: readonly Element[]) => void,
    fetchPage: typeof fetch = (...request) => fetch(...request),
  ) {
    this.list = list;
    this.onSegments = onSegments;
    this.fetchPage = fetchPage;
  }

  /** Fetch whatever comes near the window. */
  watch(): void {
    const watcher = new IntersectionObserver(
      (entries) => {
        if (!entries.some((entry) => entry.isIntersecting)) return;
        void this.bringNext().then((hasCome) => {
          // Observed anew, it is told of even where it is still in sight.
          watcher.disconnect();
          const later = this.later;
          if (hasCome && later !== null) watcher.observe(later);
        });
      },
      { rootMargin: AHEAD },
    );
    if (this.later !== null) watcher.observe(this.later);
  }

  /**
   * Bring the next part.
   *
   * @returns Whether it has come. Otherwise there is none, or the link to it stays as it is.
   */
  bringNext(): Promise<boolean> {
    this.coming ??= this.fetchNext().finally(() => (this.coming = null));
    return this.coming;
  }

  /** Bring parts until `isEnough`. */
  async bringUntil(isEnough: () => boolean): Promise<void> {
    let hasCome = true;
    while (hasCome && !isEnough()) hasCome = await this.bringNext();
  }

  private get later(): HTMLElement | null {
    return document.getElementById("later");
  }

  private async fetchNext(): Promise<boolean> {
    const link = this.later?.querySelector("a");
    if (link == null || performance.now() < this.retryAt) return false;
    const page = await this.fetchDocument(link.href);
    const segments = [...(page?.querySelectorAll(".segments > li") ?? [])];
    // A page without any is another one, such as that for signing in.
    if (page === null || segments.length === 0) {
      this.retryAt = performance.now() + RETRY_MS;
      return false;
    }
    this.list.append(...segments);
    this.onSegments(segments);
    const later = page.getElementById("later");
    if (later === null) this.later?.remove();
    else this.later?.replaceWith(later);
    return true;
  }

  private async fetchDocument(url: string): Promise<Document | null> {
    try {
      const answer = await this.fetchPage(url, { headers: { accept: "text/html" } });
      if (!answer.ok) return null;
      return new DOMParser().parseFromString(await answer.text(), "text/html");
    } catch {
      return null; // the line is down
    }
  }
}
