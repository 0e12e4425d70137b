import { problem, type ProblemKind } from "../client/problems";
import { TypedEmitter } from "../client/TypedEmitter";
import type { Capture } from "./Capture";
import { CaptureSuccession } from "./CaptureSuccession";
import { CaptureWatch } from "./CaptureWatch";
import { listAudioInputs } from "./devices";
import { measureLevel } from "./level";
import { Listeners } from "./Listeners";
import { type MicrophoneBrowser, thisBrowser } from "./MicrophoneBrowser";
import { MicrophoneError } from "./MicrophoneError";
import { SilenceWatch } from "./SilenceWatch";
import type { AppliedAudio, Level, MicrophoneEvents, MicrophoneOptions } from "./types";
import { WakeLock } from "./WakeLock";

export { MicrophoneError };

/** What no other device would mend. */
const HOPELESS: readonly ProblemKind[] = [
  "microphone_denied",
  "blocked_by_policy",
  "unsupported_browser",
];

/**
 * The microphone: samples as the browser gives them, whatever happens to devices and contexts.
 *
 * All audio comes in order and once; lost is only what the system doesn't give. It may be started
 * again after it has stopped.
 */
export class Microphone extends TypedEmitter<MicrophoneEvents> {
  private readonly browser: MicrophoneBrowser;
  private readonly wakeLock: WakeLock;
  private readonly deviceListeners = new Listeners();
  private readonly succession: CaptureSuccession;
  private options: MicrophoneOptions;
  private phase: "idle" | "starting" | "listening" | "stopping" = "idle";
  private watch: CaptureWatch | null = null;
  private silence = new SilenceWatch();
  /** Captures are replaced one after the other; each waits for the one before. */
  private turn: Promise<unknown> = Promise.resolve();
  private stopping: Promise<void> | null = null;
  private appliedAudio: AppliedAudio | null = null;
  private hasMuted = false;
  private isLost = false;
  private isInterrupted = false;

  /** @param browser Replaced in tests. */
  constructor(options: MicrophoneOptions = {}, browser: MicrophoneBrowser = thisBrowser()) {
    super();
    this.options = options;
    this.browser = browser;
    this.wakeLock = new WakeLock(browser.wakeLock, browser.document);
    this.succession = new CaptureSuccession(browser, {
      samples: (samples, capture) => this.receive(samples, capture),
      changed: (capture) => this.listenTo(capture),
    });
  }

  /** Null while it isn't listening. */
  get applied(): AppliedAudio | null {
    return this.appliedAudio;
  }

  get isMuted(): boolean {
    return this.hasMuted;
  }

  /**
   * Ask for the microphone and listen. Call it in a click: elsewhere iOS starts no AudioContext.
   *
   * @param signal Gives up starting; once it has started, only `stop` ends it.
   * @throws MicrophoneError What a person can do about it; no event tells it as well.
   * @throws The signal's reason, or an `AbortError` if it was stopped meanwhile.
   */
  async start(signal?: AbortSignal): Promise<AppliedAudio> {
    if (this.phase !== "idle") throw new Error(`The microphone is ${this.phase} already.`);
    signal?.throwIfAborted();
    this.phase = "starting";
    const giveUp = () => this.cleanUp();
    signal?.addEventListener("abort", giveUp);
    try {
      return await this.open();
    } catch (error) {
      // Any other error is of a clean-up that has been, perhaps before another start.
      if (error instanceof MicrophoneError) this.cleanUp();
      throw signal?.aborted === true ? signal.reason : error;
    } finally {
      signal?.removeEventListener("abort", giveUp);
    }
  }

  /**
   * Take another device or other processing while listening; else, set it for the next start.
   *
   * The old one is heard until the new one gives sound.
   *
   * @throws MicrophoneError If the new one can't be used; the old one goes on.
   */
  use(options: Partial<MicrophoneOptions>): Promise<void> {
    return this.inTurn(async () => {
      const wanted = { ...this.options, ...options };
      if (this.phase === "listening") await this.succession.replace(wanted);
      this.options = wanted;
      if (this.phase === "listening") this.applyWakeLock();
    });
  }

  /** From now on nothing is emitted, and the device gives silence. Outlasts a stop. */
  mute(): void {
    this.setMuted(true);
  }

  unmute(): void {
    this.setMuted(false);
  }

  /** Call it in a gesture after `audio_blocked`; resolves once the audio runs. */
  async resume(): Promise<void> {
    await this.succession.current?.resume();
  }

  /** Emit what has been collected so far, then let go of everything. */
  stop(): Promise<void> {
    this.stopping ??= this.finish();
    return this.stopping;
  }

  private async open(): Promise<AppliedAudio> {
    const replaced = this.succession.replace(this.options);
    this.turn = replaced.catch(() => undefined);
    const capture = await replaced;
    if (capture.isClosed || this.phase !== "starting") throw stoppedMeanwhile();
    this.phase = "listening";
    this.applyWakeLock();
    this.listenForDevices();
    return capture.applied();
  }

  private async finish(): Promise<void> {
    if (this.phase !== "idle") this.phase = "stopping";
    this.watch?.stop();
    await this.succession.end();
    this.cleanUp();
  }

  /** The only way out: stopped, given up, failed at the start, or a final problem. */
  private cleanUp(): void {
    this.phase = "idle";
    this.stopping = null;
    this.watch?.stop();
    this.watch = null;
    this.succession.closeAll();
    this.deviceListeners.removeAll();
    this.wakeLock.release();
    this.appliedAudio = null;
    this.isLost = false;
    this.isInterrupted = false;
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    const mine = this.turn.then(work);
    this.turn = mine.catch(() => undefined);
    return mine;
  }

  private listenTo(capture: Capture): void {
    this.watch?.stop();
    this.isLost = false;
    this.silence = new SilenceWatch();
    this.applyMute(capture);
    this.appliedAudio = capture.applied();
    this.watch = this.watchOver(capture);
    this.emit("applied", this.appliedAudio);
  }

  private watchOver(capture: Capture): CaptureWatch {
    return new CaptureWatch(capture, this.browser.document, {
      blocked: (state) => this.warn("audio_blocked", `AudioContext is ${state}`),
      interrupted: (isInterrupted) => this.setInterrupted(isInterrupted),
      ended: () => this.lose(capture),
      stuck: () => void this.inTurn(() => this.rebuild(capture)),
    });
  }

  private receive(samples: Float32Array, capture: Capture): void {
    const isCurrent = capture === this.succession.current;
    if (isCurrent) this.watch?.heard();
    if (this.hasMuted) return;
    const { sampleRate } = capture.context;
    const durationMs = (samples.length / sampleRate) * 1000;
    const level = measureLevel(samples);
    // The level was taken before, since a receiver may transfer the samples elsewhere.
    this.emit("audio", { samples, sampleRate });
    this.emit("level", level);
    if (isCurrent && !this.isInterrupted) this.listenForSilence(level, durationMs);
  }

  private listenForSilence(level: Level, durationMs: number): void {
    if (this.silence.hear(level, durationMs)) {
      this.warn("silent_microphone", this.appliedAudio?.label ?? null);
    }
  }

  private setMuted(hasMuted: boolean): void {
    this.hasMuted = hasMuted;
    if (this.succession.current !== null) this.applyMute(this.succession.current);
  }

  private applyMute({ track }: Capture): void {
    if (track !== null) track.enabled = !this.hasMuted;
  }

  private setInterrupted(isInterrupted: boolean): void {
    if (isInterrupted === this.isInterrupted) return;
    this.isInterrupted = isInterrupted;
    this.emit("interrupted", isInterrupted);
  }

  private lose(capture: Capture): void {
    this.isLost = true;
    this.watch?.stop();
    void this.succession.retire();
    this.warn("microphone_lost", capture.track?.label ?? null);
    this.findAnother();
  }

  private findAnother(): void {
    if (this.isLost) void this.inTurn(() => this.tryAnother());
  }

  private async tryAnother(): Promise<void> {
    if (!this.isLost || this.phase !== "listening") return;
    try {
      await this.succession.replace({ ...this.options, deviceId: undefined });
    } catch (error) {
      this.onNoneFound(error);
    }
  }

  /** It is tried again when devices change, or the page returns, unless that is hopeless. */
  private onNoneFound(error: unknown): void {
    if (!(error instanceof MicrophoneError) || !HOPELESS.includes(error.problem.kind)) return;
    // Browsers refuse hidden pages what they allow the same pages in the foreground.
    if (this.browser.document.visibilityState === "hidden") return;
    this.cleanUp();
    this.emit("problem", error.problem);
  }

  private async rebuild(stuck: Capture): Promise<void> {
    if (stuck !== this.succession.current) return;
    try {
      await this.succession.replace(this.options, stuck);
    } catch {
      // It stays interrupted, as has been told, until the page or the system wakes it up.
    }
  }

  private listenForDevices(): void {
    const { mediaDevices, document } = this.browser;
    if (mediaDevices === undefined) return;
    this.deviceListeners.add(document, "visibilitychange", () => this.findAnother());
    this.deviceListeners.add(mediaDevices, "devicechange", () => {
      this.findAnother();
      void this.reportDevices(mediaDevices);
    });
    void this.reportDevices(mediaDevices);
  }

  private async reportDevices(mediaDevices: MediaDevices): Promise<void> {
    try {
      const devices = await listAudioInputs(mediaDevices);
      if (this.phase === "listening") this.emit("devices", devices);
    } catch {
      // Some embedded browsers refuse the list; the default device is heard without it.
    }
  }

  private applyWakeLock(): void {
    if (this.options.keepsAwake ?? true) this.wakeLock.hold();
    else this.wakeLock.release();
  }

  private warn(kind: ProblemKind, detail: string | null): void {
    this.emit("problem", problem(kind, { isFinal: false, detail }));
  }
}

function stoppedMeanwhile(): DOMException {
  return new DOMException("The microphone was stopped while it started.", "AbortError");
}
