import { problem } from "../client/problems";
import { Capture } from "./Capture";
import type { MicrophoneBrowser } from "./MicrophoneBrowser";
import { MicrophoneError } from "./MicrophoneError";
import type { MicrophoneOptions } from "./types";

/** A context that is allowed to start does so in well under a second, also on Bluetooth. */
const START_MS = 1_000;

export interface SuccessionReports {
  /** Of the current capture, or what a retired one had left. */
  samples(samples: Float32Array, capture: Capture): void;
  /** Another one is heard from now on; none of its samples has been reported yet. */
  changed(capture: Capture): void;
}

/** One capture after the other, so that their samples follow each other without a hole. */
export class CaptureSuccession {
  private readonly browser: MicrophoneBrowser;
  private readonly reports: SuccessionReports;
  /** The current one, the next one, and those handing over their tail. */
  private readonly unclosed = new Set<Capture>();
  private currentCapture: Capture | null = null;
  private opening: Capture | null = null;
  private tail: Promise<void> = Promise.resolve();

  constructor(browser: MicrophoneBrowser, reports: SuccessionReports) {
    this.browser = browser;
    this.reports = reports;
  }

  /** The one that is heard; null before the first, and after `retire`. */
  get current(): Capture | null {
    return this.currentCapture;
  }

  /**
   * Open another capture while the current one goes on, then change over.
   *
   * Its AudioContext is made before this returns. Wait for it before calling it again.
   *
   * @param lender To go on with its stream in a new context; it isn't heard any more.
   * @throws MicrophoneError If the browser refuses; the current one goes on.
   * @throws DOMException `AbortError` if `closeAll` came first.
   */
  async replace(options: MicrophoneOptions, lender: Capture | null = null): Promise<Capture> {
    const next = this.prepare(options, lender);
    try {
      await next.open();
      const isHeard = this.currentCapture !== null && lender === null;
      if (isHeard && !(await next.runsWithin(START_MS))) throw blocked(next);
      next.collect();
    } catch (error) {
      throw this.discard(next, error);
    } finally {
      if (this.opening === next) this.opening = null;
    }
    await this.changeTo(next);
    return next;
  }

  /** End the current one; resolves when all that it had collected has been reported. */
  retire(): Promise<void> {
    const old = this.currentCapture;
    this.currentCapture = null;
    if (old !== null) this.tail = this.tail.then(() => old.flush()).then(() => this.close(old));
    return this.tail;
  }

  /** Retire the current one, and give up the one that would have followed. */
  end(): Promise<void> {
    if (this.opening !== null) this.close(this.opening);
    return this.retire();
  }

  /** Let go of everything at once; what hasn't been reported is lost. */
  closeAll(): void {
    this.currentCapture = null;
    for (const capture of this.unclosed) this.close(capture);
  }

  private prepare(options: MicrophoneOptions, lender: Capture | null): Capture {
    const onSamples = (samples: Float32Array) => this.reports.samples(samples, next);
    const next = new Capture(this.browser, options, onSamples, lender);
    this.unclosed.add(next);
    this.opening = next;
    return next;
  }

  private async changeTo(next: Capture): Promise<void> {
    const tail = this.retire();
    this.currentCapture = next;
    this.reports.changed(next);
    await tail;
    next.deliver();
  }

  private close(capture: Capture): void {
    capture.close();
    this.unclosed.delete(capture);
  }

  /** @returns What to throw: only an error of the browser's own is a problem with it. */
  private discard(next: Capture, error: unknown): unknown {
    const wasClosed = next.isClosed;
    this.close(next);
    if (wasClosed || error instanceof MicrophoneError) return error;
    return new MicrophoneError(problem("unsupported_browser", { detail: String(error) }));
  }
}

function blocked({ context }: Capture): MicrophoneError {
  return new MicrophoneError(
    problem("audio_blocked", { detail: `AudioContext is ${context.state}` }),
  );
}
