import { Listeners } from "./Listeners";

/** Of `navigator.wakeLock`. */
export type WakeLockSource = Pick<globalThis.WakeLock, "request">;

/**
 * Keeps the screen on, as far as the browser lets it.
 *
 * The system takes the lock away whenever the page is hidden; it is asked for again when the page
 * returns. A refusal (low battery, an old browser) is no problem worth telling.
 */
export class WakeLock {
  private readonly source: WakeLockSource | undefined;
  private readonly page: Document;
  private readonly listeners = new Listeners();
  private isHeld = false;
  private isAsking = false;
  private sentinel: WakeLockSentinel | null = null;

  constructor(source: WakeLockSource | undefined, page: Document) {
    this.source = source;
    this.page = page;
  }

  hold(): void {
    if (this.isHeld || this.source === undefined) return;
    this.isHeld = true;
    this.listeners.add(this.page, "visibilitychange", () => void this.ask());
    void this.ask();
  }

  release(): void {
    this.isHeld = false;
    this.listeners.removeAll();
    this.letGo();
  }

  private async ask(): Promise<void> {
    if (!this.isWanting) return;
    this.isAsking = true;
    try {
      this.sentinel = (await this.source?.request("screen")) ?? null;
    } catch {
      this.sentinel = null;
    }
    this.isAsking = false;
    // Released while the browser thought about it.
    if (!this.isHeld) this.letGo();
  }

  private get isWanting(): boolean {
    const hasLock = this.sentinel?.released === false;
    return this.isHeld && !this.isAsking && !hasLock && this.page.visibilityState === "visible";
  }

  private letGo(): void {
    const sentinel = this.sentinel;
    this.sentinel = null;
    sentinel?.release().catch(() => undefined);
  }
}
