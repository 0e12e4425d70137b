import { fetchScreen, type KioskScreen } from "./KioskScreen";

/** How often a kiosk asks whether it still is one, in milliseconds: a revocation ends its sessions at once anyway. */
const READY_MS = 60_000;

/** How often a device asks that is none yet, or that was shown an error. */
const WAITING_MS = 4_000;

/** Asks the relay again and again which page is to be shown, and never leaves while it is away. */
export class ScreenWatch {
  /** Somebody speaks, or reads what was said: not the moment for another page. */
  isBusy = false;
  private shown: KioskScreen;
  private readonly turn: (screen: KioskScreen) => void;
  private isHurried = false;
  private wake: () => void = () => undefined;

  constructor(shown: KioskScreen, turn: (screen: KioskScreen) => void) {
    this.shown = shown;
    this.turn = turn;
  }

  /** Ask now; again, where an answer is on its way that may be of before. */
  hurry(): void {
    this.isHurried = true;
    this.wake();
  }

  /** Watch for as long as the page lives. */
  async run(): Promise<never> {
    for (;;) {
      if (!this.isHurried) await this.pause(this.shown.state === "ready" ? READY_MS : WAITING_MS);
      this.isHurried = false;
      try {
        this.consider(await fetchScreen());
      } catch {
        // The relay is away, which the page says by itself where it matters. It is asked again.
      }
    }
  }

  private consider(screen: KioskScreen): void {
    const isOther = screen.state !== this.shown.state || screen.content !== this.shown.content;
    // A kiosk that isn't one any more can't go on speaking, however busy it is.
    if (this.isBusy && screen.state === "ready") return;
    if (screen.scripts !== this.shown.scripts) location.reload();
    else if (isOther) this.turn((this.shown = screen));
  }

  private pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.wake = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
