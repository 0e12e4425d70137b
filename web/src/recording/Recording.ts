import { Microphone, MicrophoneError } from "../audio/Microphone";
import type { Level, MicrophoneOptions } from "../audio/types";
import { problem, type Problem, type ProblemKind } from "../client/problems";
import { RelayClient, type RelayClientOptions } from "../client/RelayClient";
import { TypedEmitter } from "../client/TypedEmitter";
import type { Break, ClientState, Gap, Segment } from "../client/types";
import { addStatistics, emptyStatistics } from "../transcript/statistics";
import {
  appendBreak,
  appendGap,
  appendSegment,
  emptyTranscript,
  setPartial,
  type Transcript,
} from "../transcript/Transcript";
import { moveBreak, moveGap, moveSegment, noOffset } from "./offset";
import type { RecordingOptions } from "./RecordingOptions";
import { initialSnapshot, isRecording, type RecordingSnapshot } from "./RecordingSnapshot";

/**
 * How long a line may be away before somebody is told more than that it is being mended, in
 * milliseconds. Most breaks are mended within the first attempts, and need no words.
 */
export const PATIENCE_MS = 4_000;

/** The relay tells whoever waits for a place every 5 s: after this long without, it is over. */
export const QUEUE_SILENCE_MS = 6_000;

/** What is over as soon as there is a line again. */
const MENDED_BY_LINE: readonly ProblemKind[] = [
  ...(["relay_away", "relay_fault", "provider_away", "provider_refused"] as const),
  ...(["limit_reached", "not_signed_in", "not_allowed", "taken_over"] as const),
];

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

/** How a recording gets its parts; replaced in tests, which have no microphone and no relay. */
export interface Parts {
  microphone: (options: MicrophoneOptions | undefined) => Microphone;
  client: (options: RelayClientOptions) => RelayClient;
}

const REAL: Parts = {
  microphone: (options) => new Microphone(options),
  client: (options) => new RelayClient(options),
};

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
  /** What is heard of these two; ended with the start they belong to. */
  private readonly subscriptions: (() => void)[] = [];
  private stopping: Promise<void> | null = null;
  /** Why there is no line for now, if that is known. */
  private trouble: Problem | null = null;
  private patience: ReturnType<typeof setTimeout> | undefined;
  private waiting: ReturnType<typeof setTimeout> | undefined;
  /** Whether the microphone of this start has given sound; a busy machine takes its time. */
  private hasHeard = false;
  /** Where the present start begins on the timeline of all starts. */
  private offset = noOffset;
  /** Of all starts since the last `clear()`. */
  private segments = 0;

  private options: RecordingOptions;

  private readonly parts: Parts;

  constructor(options: RecordingOptions = {}, parts = REAL) {
    super();
    this.options = options;
    this.parts = parts;
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
    if (this.microphone !== null) return;
    const microphone = this.parts.microphone(this.options.microphone);
    this.microphone = microphone;
    this.hasHeard = false;
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
  stop(): Promise<void> {
    if (this.current.state === "starting") this.close();
    if (this.microphone === null) return Promise.resolve();
    this.stopping ??= this.end(this.microphone, this.client);
    return this.stopping;
  }

  /** End at once, without waiting for the last words; what the relay has, it finishes. */
  close(): void {
    const { microphone, client } = this;
    // First, since the microphone hands over a tail that belongs to nothing any more.
    this.finish();
    void microphone?.stop();
    client?.close();
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
    const { microphone } = this;
    try {
      await microphone?.use(options);
    } catch (error) {
      // Any other error is of a stop that came first.
      if (error instanceof MicrophoneError && this.microphone === microphone) {
        this.tell({ ...error.problem, isFinal: false });
      }
    }
  }

  /** Forget what was said, and count from zero. Not while recording. */
  clear(): void {
    if (this.microphone !== null) return;
    this.offset = noOffset;
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
    const client = this.parts.client({ sampleRate, ...defined(rest), url });
    this.client = client;
    this.follow(client);
    return client;
  }

  private hear(microphone: Microphone): void {
    this.subscriptions.push(
      microphone.on("audio", ({ samples, sampleRate }) => {
        const client = this.clientAt(sampleRate);
        client.send(samples, sampleRate);
        this.hasHeard = true;
        this.show(client.state);
        this.solved("audio_blocked");
      }),
      microphone.on("level", (level) => {
        // Whoever speaks after all is not silent any more.
        if (level.rmsDbfs > HEARD_DBFS) this.solved("silent_microphone");
        this.emit("level", level);
      }),
      microphone.on("applied", (applied) => {
        this.change({ applied });
        this.solved("microphone_lost");
      }),
      microphone.on("devices", (devices) => this.change({ devices })),
      microphone.on("interrupted", (isInterrupted) => this.change({ isInterrupted })),
      microphone.on("problem", (found) =>
        found.isFinal ? void this.give(found) : this.tell(found),
      ),
    );
  }

  private follow(client: RelayClient): void {
    this.subscriptions.push(
      client.on("state", (state) => this.moved(state)),
      client.on("started", ({ minutesLeft, isRecorded }) =>
        this.change({ minutesLeft, isRecorded }),
      ),
      client.on("queued", (queue) => this.wait(queue)),
      client.on("warning", (warning) => this.change({ warning })),
      client.on("partial", (text) => this.partial(text)),
      client.on("segment", (segment) => this.segment(segment)),
      client.on("segmentTimed", (segment) => this.segmentTimed(segment)),
      client.on("gap", (gap) => this.gap(gap)),
      client.on("reconnecting", ({ problem: trouble }) => (this.trouble = trouble)),
      client.on("resumed", (mended) => this.mended(mended)),
      client.on("problem", (found) => (found.isFinal ? this.fail(found) : this.tell(found))),
    );
  }

  private moved(state: ClientState): void {
    if (state === "idle") return;
    if (state === "ended") {
      // A stop that was asked for ends where it is awaited.
      if (this.current.state !== "stopping") this.close();
      return;
    }
    clearTimeout(this.patience);
    this.admitted();
    if (state === "live" || state === "resumed") {
      this.trouble = null;
      this.solved(...MENDED_BY_LINE);
    } else {
      this.patience = setTimeout(() => this.losePatience(), PATIENCE_MS);
    }
    this.show(state);
  }

  /** Nobody is told that the line is live while nothing is heard: what they said would be lost. */
  private show(state: ClientState): void {
    const { state: shown } = this.current;
    if (!this.hasHeard || shown === state || shown === "stopping") return;
    if (state !== "idle" && state !== "ended") this.change({ state });
  }

  private losePatience(): void {
    const trouble = this.trouble ?? problem("relay_away", { isFinal: false });
    // Limits have been told at once.
    if (this.current.problem?.kind !== trouble.kind) this.tell(trouble);
  }

  private wait(queue: NonNullable<RecordingSnapshot["queue"]>): void {
    clearTimeout(this.waiting);
    this.waiting = setTimeout(() => this.admitted(), QUEUE_SILENCE_MS);
    this.change({ queue });
  }

  /** No place is waited for any more; the relay says it by saying something else. */
  private admitted(): void {
    clearTimeout(this.waiting);
    if (this.current.queue !== null) this.change({ queue: null });
  }

  private partial(text: string): void {
    this.admitted();
    this.change({ transcript: setPartial(this.current.transcript, text) });
    this.emit("partial", text);
  }

  private segment(segment: Segment): void {
    const placed = moveSegment(segment, this.offset);
    this.segments = placed.index + 1;
    this.admitted();
    this.keep(appendSegment(this.current.transcript, placed), {
      statistics: addStatistics(this.current.statistics, placed),
      latency: this.client?.latency ?? this.current.latency,
    });
    this.emit("segment", placed);
  }

  private segmentTimed(segment: Segment): void {
    const placed = moveSegment(segment, this.offset);
    this.keep(appendSegment(this.current.transcript, placed));
    this.emit("segmentTimed", placed);
  }

  private gap(gap: Gap): void {
    this.keep(appendGap(this.current.transcript, moveGap(gap, this.offset)));
  }

  private mended(mended: Break): void {
    this.keep(appendBreak(this.current.transcript, moveBreak(mended, this.offset)));
  }

  private keep(transcript: Transcript, figures: Partial<RecordingSnapshot> = {}): void {
    if (this.options.keepsTranscript !== false) this.change({ transcript, ...figures });
  }

  /** The microphone is gone for good: what it heard before still gets its words. */
  private async give(found: Problem): Promise<void> {
    this.tell(found);
    await this.stop();
    // What else was wrong meanwhile is over.
    if (this.current.state === "idle") this.change({ problem: found });
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

  private async end(microphone: Microphone, client: RelayClient | null): Promise<void> {
    this.change({ state: "stopping", isMuted: false, isInterrupted: false });
    await microphone.stop();
    await client?.stop();
    if (this.microphone === microphone) this.finish();
  }

  /** The one end of every start. */
  private finish(): void {
    clearTimeout(this.patience);
    clearTimeout(this.waiting);
    for (const unsubscribe of this.subscriptions.splice(0)) unsubscribe();
    this.offset = { seconds: this.capturedSeconds, segments: this.segments };
    this.microphone = null;
    this.client = null;
    this.stopping = this.trouble = null;
    const { transcript, problem: known } = this.current;
    this.change({
      ...{ state: "idle", queue: null, isMuted: false, isInterrupted: false },
      transcript: setPartial(transcript, ""),
      // One that isn't final was about something that went on.
      problem: known?.isFinal === true ? known : null,
    });
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
  // The microphone has no other errors, and the client throws for options that can't be right.
  return problem("invalid_request", { detail: String(error) });
}
