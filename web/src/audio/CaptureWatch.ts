import type { Capture } from "./Capture";
import { Listeners } from "./Listeners";

export interface CaptureReports {
  /** It doesn't begin: the browser waits for a gesture, which will do, or its audio is dead. */
  blocked(contextState: string): void;
  /** Whether nothing is heard for now; may say the same again. */
  interrupted(isInterrupted: boolean): void;
  /** The device is gone. */
  ended(): void;
  /** It doesn't come back by itself, only a new context will do. */
  stuck(): void;
}

/** Longer than any message, so that two ticks without one are a standstill. */
const TICK_MS = 500;
const STANDSTILL_TICKS = 2;
const STUCK_TICKS = 3;

/** On touch screens `pointerdown` is no gesture: https://html.spec.whatwg.org/#activation-triggering-input-event */
const GESTURES = ["pointerdown", "pointerup", "keydown"] as const;

/**
 * Watches whether a capture goes on, and wakes it up.
 *
 * A context's state alone isn't believed: after a call iOS may say "running" with a clock that
 * stands still, or stay "interrupted" for ever. What counts is whether messages come.
 */
export class CaptureWatch {
  private readonly capture: Capture;
  private readonly page: Document;
  private readonly reports: CaptureReports;
  private readonly listeners = new Listeners();
  private readonly timer: ReturnType<typeof setInterval>;
  private quietTicks = 0;
  private hasHeard = false;
  private hasReportedBlocked = false;
  /** Once per return of sound or of the page: a context that never runs isn't rebuilt for ever. */
  private mayBeStuck = false;

  constructor(capture: Capture, page: Document, reports: CaptureReports) {
    this.capture = capture;
    this.page = page;
    this.reports = reports;
    this.timer = setInterval(() => this.tick(), TICK_MS);
    this.listenToCapture();
    this.listenToPage();
    this.update();
  }

  /** To be called for every message. */
  heard(): void {
    this.quietTicks = 0;
    this.hasHeard = true;
    this.mayBeStuck = true;
    this.update();
  }

  stop(): void {
    clearInterval(this.timer);
    this.listeners.removeAll();
  }

  private listenToCapture(): void {
    const { context, track } = this.capture;
    this.listeners.add(context, "statechange", () => this.onStateChange());
    if (track === null) return;
    this.listeners.add(track, "mute", () => this.update());
    this.listeners.add(track, "unmute", () => this.update());
    this.listeners.add(track, "ended", () => this.reports.ended());
  }

  private listenToPage(): void {
    this.listeners.add(this.page, "visibilitychange", () => this.onVisibilityChange());
    for (const gesture of GESTURES) this.listeners.add(this.page, gesture, () => this.wake());
  }

  private onStateChange(): void {
    this.update();
    // "interrupted" is the system's to end, by going on to another state.
    if (this.capture.context.state === "suspended" && this.isVisible) this.wake();
  }

  private onVisibilityChange(): void {
    if (!this.isVisible) return;
    this.quietTicks = 0;
    this.mayBeStuck = true;
    this.wake();
  }

  private wake(): void {
    if (this.capture.context.state !== "running") void this.capture.resume();
  }

  private tick(): void {
    // A track that was muted on purpose owes no messages, whatever a browser makes of it.
    this.quietTicks = this.capture.track?.enabled === false ? 0 : this.quietTicks + 1;
    if (this.hasHeard) this.update();
    else this.reportBlocked();
    if (this.quietTicks >= STUCK_TICKS && this.mayBeStuck && this.isVisible) {
      this.mayBeStuck = false;
      this.reports.stuck();
    }
  }

  private reportBlocked(): void {
    const { state } = this.capture.context;
    if (this.hasReportedBlocked || this.quietTicks < STANDSTILL_TICKS) return;
    if (state === "interrupted" || !this.isVisible) return;
    this.hasReportedBlocked = true;
    this.reports.blocked(state);
  }

  private update(): void {
    const standsStill = this.quietTicks >= STANDSTILL_TICKS;
    const isRunning = this.capture.context.state === "running";
    const isMuted = this.capture.track?.muted === true;
    // Before the first message it isn't interrupted, it hasn't begun.
    if (this.hasHeard) this.reports.interrupted(standsStill || !isRunning || isMuted);
    else if (isMuted) this.reports.interrupted(true);
  }

  private get isVisible(): boolean {
    return this.page.visibilityState === "visible";
  }
}
