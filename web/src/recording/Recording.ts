import { Microphone, MicrophoneError } from "../audio/Microphone";
import type { Level } from "../audio/types";
import { problem, type Problem, type ProblemKind } from "../client/problems";
import { RelayClient } from "../client/RelayClient";
import { TypedEmitter } from "../client/TypedEmitter";
import type { ClientState, Segment } from "../client/types";
import { addStatistics, emptyStatistics } from "../transcript/statistics";
import {
  appendBreak,
  appendGap,
  appendSegment,
  emptyTranscript,
  setPartial,
} from "../transcript/Transcript";
import type { RecordingOptions } from "./RecordingOptions";
import {
  initialSnapshot,
  isRecording,
  type RecordingSnapshot,
  type RecordingState,
} from "./RecordingSnapshot";

/**
 * How long a line may be away before somebody is told more than that it is being mended, in
 * milliseconds. Most breaks are mended within the first attempts, and need no words.
 */
export const PATIENCE_MS = 4_000;

/** Louder than the noise of a quiet room, in dBFS: somebody speaks. */
const HEARD_DBFS = -60;

export interface RecordingEvents {
  /** For each message of the microphone, some twenty a second. */
  level: Level;
  partial: string;
  segment: Segment;
  segmentTimed: Segment;
  problem: Problem;
}

/**
 * A microphone, the relay behind it and what was said: the whole of a recorder without a screen.
 *
 * Starting again goes on where the last stop was: on the same timeline, behind the same segments,
 * until `clear()`.
 */
export class Recording extends TypedEmitter<RecordingEvents> {
  private current = initialSnapshot;
  private readonly observers = new Set<() => void>();
  private microphone: Microphone | null = null;
  private client: RelayClient | null = null;
  private patience: ReturnType<typeof setTimeout> | undefined;
  /** Where the present start begins on the timeline of all starts. */
  private offset = { seconds: 0, segments: 0 };
  /** Of all starts since the last `clear()`. */
  private segments = 0;

  private options: RecordingOptions;

  constructor(options: RecordingOptions = {}) {
    super();
    this.options = options;
  }

  /** Take other options; they are read at the next start. */
  configure(options: RecordingOptions): void {
    this.options = options;
  }

  /** What it is like now; the same object until something changes. */
  readonly snapshot = (): RecordingSnapshot => this.current;

  /** Be told of every change of the snapshot; returns how to stop. */
  readonly subscribe = (observer: () => void): (() => void) => {
    this.observers.add(observer);
    return () => void this.observers.delete(observer);
  };

  /** Everything recorded since the last `clear()`, in seconds. */
  get capturedSeconds(): number {
    return this.offset.seconds + (this.client?.capturedSeconds ?? 0);
  }

  /**
   * Listen, and connect. Call it in a click: browsers ask for the microphone then, and only then.
   *
   * Resolves when the microphone listens; the relay may still be on its way, what is said is kept.
   * Never rejects: what goes wrong stands in `snapshot().problem`.
   */
  async start(): Promise<void> {
    if (this.microphone !== null || this.current.state === "stopping") return;
    const microphone = new Microphone(this.options.microphone);
    this.microphone = microphone;
    this.change({ state: "starting", problem: null, warning: null, isMuted: false });
    this.hear(microphone);
    try {
      const { sampleRate } = await microphone.start();
      if (this.microphone === microphone) this.clientAt(sampleRate).connect();
    } catch (error) {
      if (this.microphone === microphone) this.fail(problemOf(error));
    }
  }

  /** Say the last words and end. Resolves when the last final is there, or can't come any more. */
  async stop(): Promise<void> {
    const { microphone } = this;
    if (microphone === null || this.current.state === "stopping") return;
    if (this.current.state === "starting") {
      this.close();
      return;
    }
    this.change({ state: "stopping", isMuted: false, isInterrupted: false });
    await microphone.stop();
    await this.client?.stop();
    if (this.microphone === microphone) this.finish();
  }

  /** End at once, without waiting for the last words; what the relay has, it finishes. */
  close(): void {
    void this.microphone?.stop();
    this.client?.close();
    this.finish();
  }

  /** Hear nothing for a while; the segment ends here. */
  mute(): void {
    if (!isRecording(this.current) || this.current.isMuted) return;
    this.microphone?.mute();
    this.client?.mute();
    this.change({ isMuted: true });
  }

  unmute(): void {
    if (!this.current.isMuted) return;
    this.client?.unmute();
    this.microphone?.unmute();
    this.change({ isMuted: false });
  }

  /** End the segment here. */
  commit(): void {
    this.client?.commit();
  }

  /** Go on after the browser wanted a gesture first; call it in one. */
  async resume(): Promise<void> {
    await this.microphone?.resume();
  }

  /** Listen differently from now on: through another microphone, or with other processing. */
  async useMicrophone(options: NonNullable<RecordingOptions["microphone"]>): Promise<void> {
    this.options = { ...this.options, microphone: { ...this.options.microphone, ...options } };
    try {
      await this.microphone?.use(options);
    } catch (error) {
      this.tell({ ...problemOf(error), isFinal: false });
    }
  }

  /** Forget what was said, and count from zero. Not while recording. */
  clear(): void {
    if (this.microphone !== null) return;
    this.offset = { seconds: 0, segments: 0 };
    this.segments = 0;
    this.change({ transcript: emptyTranscript, statistics: emptyStatistics, problem: null });
  }

  /** Take the present problem as read. */
  dismiss(): void {
    this.change({ problem: null, warning: null });
  }

  /** The client of this start; it is there before the first samples, which may come early. */
  private clientAt(sampleRate: number): RelayClient {
    if (this.client !== null) return this.client;
    const { url = location.origin, ...rest } = this.options;
    const client = new RelayClient({ sampleRate, ...defined(rest), url });
    this.client = client;
    this.follow(client);
    return client;
  }

  private hear(microphone: Microphone): void {
    microphone.on("audio", ({ samples, sampleRate }) => {
      this.clientAt(sampleRate).send(samples, sampleRate);
      this.solved("audio_blocked");
    });
    microphone.on("level", (level) => {
      // Whoever speaks after all is not silent any more.
      if (level.rmsDbfs > HEARD_DBFS) this.solved("silent_microphone");
      this.emit("level", level);
    });
    microphone.on("applied", (applied) => {
      this.change({ applied });
      this.solved("microphone_lost");
    });
    microphone.on("devices", (devices) => this.change({ devices }));
    microphone.on("interrupted", (isInterrupted) => this.change({ isInterrupted }));
    microphone.on("problem", (found) => (found.isFinal ? void this.give(found) : this.tell(found)));
  }

  private follow(client: RelayClient): void {
    client.on("state", (state) => this.moved(state));
    client.on("started", ({ minutesLeft }) => this.change({ minutesLeft, queue: null }));
    client.on("queued", (queue) => this.change({ queue }));
    client.on("warning", (warning) => this.change({ warning }));
    client.on("partial", (text) => this.partial(text));
    client.on("segment", (segment) => this.segment(segment));
    client.on("segmentTimed", (segment) => this.segmentTimed(segment));
    client.on("gap", (gap) => {
      const { seconds } = this.offset;
      const moved = {
        ...gap,
        startSeconds: gap.startSeconds + seconds,
        endSeconds: gap.endSeconds + seconds,
      };
      this.change({ transcript: appendGap(this.current.transcript, moved) });
    });
    client.on("resumed", (mended) => {
      const atSeconds = mended.atSeconds + this.offset.seconds;
      this.change({ transcript: appendBreak(this.current.transcript, { ...mended, atSeconds }) });
    });
    client.on("problem", (found) => (found.isFinal ? this.fail(found) : this.tell(found)));
  }

  private moved(state: ClientState): void {
    if (state === "idle") return;
    if (state === "ended") {
      // A stop that was asked for ends where it is awaited.
      if (this.current.state !== "stopping") this.close();
      return;
    }
    clearTimeout(this.patience);
    if (state === "live" || state === "resumed") {
      this.solved("relay_away", "provider_away", "limit_reached");
      this.change({ queue: null });
    } else {
      this.patience = setTimeout(
        () => this.tell(problem("relay_away", { isFinal: false })),
        PATIENCE_MS,
      );
    }
    if (this.current.state !== "stopping") this.change({ state });
  }

  private partial(text: string): void {
    this.change({ transcript: setPartial(this.current.transcript, text) });
    this.emit("partial", text);
  }

  private segment(segment: Segment): void {
    const placed = this.place(segment);
    this.segments = placed.index + 1;
    if (this.options.keepsTranscript !== false) {
      this.change({
        transcript: appendSegment(this.current.transcript, placed),
        statistics: addStatistics(this.current.statistics, placed),
        latency: this.client?.latency ?? this.current.latency,
      });
    }
    this.emit("segment", placed);
  }

  private segmentTimed(segment: Segment): void {
    const placed = this.place(segment);
    if (this.options.keepsTranscript !== false) {
      this.change({ transcript: appendSegment(this.current.transcript, placed) });
    }
    this.emit("segmentTimed", placed);
  }

  /** Move a segment of this start onto the timeline of all starts. */
  private place(segment: Segment): Segment {
    const { seconds, segments } = this.offset;
    if (seconds === 0 && segments === 0) return segment;
    const move = (time: number | null) => (time === null ? null : time + seconds);
    return {
      ...segment,
      index: segment.index + segments,
      startSeconds: segment.startSeconds + seconds,
      endSeconds: segment.endSeconds + seconds,
      words:
        segment.words?.map((word) => ({ ...word, start: move(word.start), end: move(word.end) })) ??
        null,
    };
  }

  /** The microphone is gone for good: what it heard before still gets its words. */
  private async give(found: Problem): Promise<void> {
    this.tell(found);
    await this.stop();
    this.tell(found);
  }

  private fail(found: Problem): void {
    this.close();
    this.tell(found);
  }

  private tell(found: Problem): void {
    this.change({ problem: found });
    this.emit("problem", found);
  }

  private solved(...kinds: ProblemKind[]): void {
    const { problem: known } = this.current;
    if (known !== null && kinds.includes(known.kind)) this.change({ problem: null });
  }

  /** The one end of every start. */
  private finish(): void {
    clearTimeout(this.patience);
    this.offset = { seconds: this.capturedSeconds, segments: this.segments };
    this.microphone = null;
    this.client = null;
    const transcript = setPartial(this.current.transcript, "");
    const quiet: Partial<RecordingSnapshot> = { isMuted: false, isInterrupted: false, queue: null };
    this.change({ state: "idle" satisfies RecordingState, transcript, ...quiet });
  }

  private change(part: Partial<RecordingSnapshot>): void {
    this.current = { ...this.current, ...part };
    for (const observer of [...this.observers]) observer();
  }
}

/** Options that are given: an undefined one must not hide a default. */
function defined<Options extends object>(options: Options): Options {
  return Object.fromEntries(
    Object.entries(options).filter(([, value]) => value !== undefined),
  ) as Options;
}

function problemOf(error: unknown): Problem {
  if (error instanceof MicrophoneError) return error.problem;
  return problem("unsupported_browser", { detail: String(error) });
}
