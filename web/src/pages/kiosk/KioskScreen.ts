/** The pages of `/kiosk`, as the relay writes them: which one it is, and how to turn to another. */

/** Patience for one answer. */
const TIMEOUT_MS = 10_000;

export type KioskState = "new" | "expired" | "revoked" | "waiting" | "person" | "ready" | "error";

export interface KioskScreen {
  state: KioskState;
  /** Which scripts it runs; a relay of another version has others. */
  scripts: string;
  /** Changes whenever the page would look different. Empty if it is no page of `/kiosk`. */
  content: string;
  document: Document;
}

/** Read the page that is shown now. */
export function shownScreen(): KioskScreen {
  return screenOf(document);
}

/**
 * Ask the relay which page is to be shown.
 *
 * Raises: whatever `fetch` does while the relay is away, and an Error if what answered isn't it.
 */
export async function fetchScreen(): Promise<KioskScreen> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const answer = await fetch("/kiosk", { headers: { accept: "text/html" }, signal });
  const html = await answer.text();
  const screen = screenOf(new DOMParser().parseFromString(html, "text/html"));
  // A proxy that stands in for a relay that is away answers with pages of its own.
  if (screen.content === "") throw new Error(`not a page of the relay's: ${answer.status}`);
  return screen;
}

/** Show another page without leaving this one: while a relay restarts there would be no way back. */
export function turnTo(screen: KioskScreen): void {
  const body = document.importNode(screen.document.body, true);
  // What only browsers without scripts show would be read twice.
  for (const fallback of body.querySelectorAll("noscript")) fallback.remove();
  document.title = screen.document.title;
  document.body.replaceWith(body);
  document.querySelector<HTMLElement>("[autofocus]")?.focus();
}

/** Send a form of these pages; whatever comes of it, the next page says. */
export async function postForm(form: HTMLFormElement): Promise<void> {
  const body = new URLSearchParams();
  for (const [name, value] of new FormData(form))
    if (typeof value === "string") body.set(name, value);
  await fetch(form.action, { method: "POST", body, signal: AbortSignal.timeout(TIMEOUT_MS) });
}

function screenOf(page: Document): KioskScreen {
  const root = page.querySelector<HTMLElement>("[data-kiosk-state]");
  const state = (root?.dataset.kioskState ?? "error") as KioskState;
  const scripts = [...page.scripts].map((script) => script.getAttribute("src")).join();
  return { state, scripts, content: root === null ? "" : contentOf(root), document: page };
}

/** What makes two pages of one state different: their words, and what their script is told. */
function contentOf(root: HTMLElement): string {
  const app = root.querySelector<HTMLElement>("#app");
  // What the script drew into it doesn't count.
  return app?.dataset.config ?? root.textContent.trim();
}
