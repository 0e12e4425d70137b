/** What arrives → what is told; what is kept → what is sent. No I/O, no clock. */

import { AudioRing, type Entry, type MarkerKind } from "./AudioRing";
import type { Emission } from "./Emission";
import type { ResumePoint } from "./endpoint";
import { LatencyMeter } from "./LatencyMeter";
import { LostRanges, type FrameRange, type LostRange } from "./LostRanges";
import type {
  AudioAcknowledged,
  AudioGap,
  ClientMessage,
  CommittedTranscript,
  Queued,
  ServerMessage,
  SessionResumed,
  SessionStarted,
  TimedTranscript,
} from "./protocol";
import { Segments } from "./Segments";
import { SessionClock } from "./SessionClock";
import { Timeline } from "./Timeline";
import type { Latency } from "./types";

/** How the next connection begins. */
export interface SessionPlan {
  /** Hz, to announce. */
  sampleRate: number;
  /** Null for a new session. */
  resume: ResumePoint | null;
}

export type OutgoingMessage = Float32Array | ClientMessage;

/** Told where audio was dropped before it could be sent. */
const OVERFLOW = "buffer_overflow";

/** The relay's word for the same, where it was told what the ring still holds. */
const CLIENT_BUFFER = "client_buffer";

/**
 * One person's talk, over as many connections and sessions of the relay's as it takes.
 *
 * Call `plan` before each connect, and connect as it says. Then hand over what arrives by
 * `receive`, send what `takeMessages` gives until that is nothing, and tell the events of
 * `takeEvents` after either. Say `lineBroke` when the connection is gone.
 */
export class Conversation {
  private readonly timeline: Timeline;
  private readonly ring: AudioRing;
  private readonly segments = new Segments();
  private readonly lost = new LostRanges();
  private readonly meter = new LatencyMeter();
  private clock: SessionClock;
  private resumeToken: string | null = null;
  private lastSeq = 0;
  private rate: number;
  /** Of the samples that went out last, or as announced, in Hz. */
  private lineRate: number;
  /** Whether the relay wants audio yet: a resumed session says first from where on. */
  private flows = false;
  private receivedFrame = 0;
  private catchUpFrame = 0;
  /** From which sample of the session on a resume offered audio. */
  private offeredSample = 0;
  private awaitsGap = false;
  private partial = "";
  private events: Emission[] = [];
  private secondsLost = 0;

  /** `sampleRate` of the first samples, in Hz; at most `ringSeconds` are kept. */
  constructor(sampleRate: number, ringSeconds: number) {
    this.rate = this.lineRate = sampleRate;
    this.timeline = new Timeline(sampleRate);
    this.ring = new AudioRing(ringSeconds);
    this.clock = new SessionClock(this.timeline, 0, sampleRate);
  }

  get latency(): Latency {
    return this.meter.latency;
  }

  /** Everything said so far. */
  get capturedSeconds(): number {
    return this.timeline.secondsAt(this.ring.end);
  }

  /** Kept and not yet sent. */
  get backlogSeconds(): number {
    const from = Math.max(this.ring.position, this.ring.start);
    return this.capturedSeconds - this.timeline.secondsAt(from);
  }

  /** Said, and without a final yet. */
  get uncoveredSeconds(): number {
    return this.capturedSeconds - this.coveredSeconds;
  }

  /** Before it everything has its final, or can't get one any more. */
  get coveredSeconds(): number {
    return this.timeline.secondsAt(this.lost.end);
  }

  /** Whether the relay has all that was said until it was connected again. */
  get isCaughtUp(): boolean {
    return Math.max(this.receivedFrame, this.lost.end) >= this.catchUpFrame;
  }

  /** Told as gaps so far, or about to be. */
  get lostSeconds(): number {
    return this.lost.pending.reduce((sum, range) => sum + this.secondsOf(range), this.secondsLost);
  }

  /** Whether the relay has said what the last break cost. */
  get isLossKnown(): boolean {
    return !this.awaitsGap;
  }

  /** Segments and words so far. */
  get counts(): { segments: number; words: number } {
    return { segments: this.segments.count, words: this.segments.words };
  }

  /** Take in samples at `rate` Hz, given at `nowMs`. */
  hear(samples: Float32Array, rate: number, nowMs: number): void {
    if (samples.length === 0) return;
    if (rate !== this.rate) this.timeline.changeRate(rate, this.ring.end);
    this.rate = rate;
    this.ring.append(samples, rate, nowMs);
  }

  mark(kind: MarkerKind): void {
    this.ring.mark(kind);
  }

  /** Whether the next connection resumes a session. */
  get isResumable(): boolean {
    return this.resumeToken !== null;
  }

  /** Decide how to connect. A former session that can be resumed is, until `forgetSession`. */
  plan(): SessionPlan {
    return this.resumeToken === null ? this.planSession() : this.planResume(this.resumeToken);
  }

  /** The relay's session is over, so the next one is a new one. */
  forgetSession(): void {
    this.resumeToken = null;
  }

  /** The connection is gone: what has no final counts as not sent. */
  lineBroke(): void {
    this.flows = this.awaitsGap = false;
    this.ring.release();
    this.ring.rewind(this.lost.end);
  }

  /** Take in a message; `isLive`: nothing of a break lengthens how long things take. */
  receive(message: ServerMessage, nowMs: number, isLive: boolean): void {
    switch (message.message_type) {
      case "session_started":
        this.start(message);
        break;
      case "session_resumed":
        this.resume(message);
        return; // what it resends is still to come, so its own number counts for nothing
      case "audio_acknowledged":
        this.acknowledge(message, nowMs, isLive);
        break;
      case "partial_transcript":
        this.showPartial(message.text);
        break;
      case "committed_transcript":
        this.commit(message, nowMs, isLive);
        break;
      case "committed_transcript_with_timestamps":
        this.addTimes(message);
        break;
      case "audio_gap":
        this.leaveOut(message);
        break;
      case "queued":
        this.queue(message);
        break;
      case "warning":
        this.tell({ name: "warning", value: { code: message.code, text: message.text } });
        break;
      case "upstream_reconnecting":
        this.tell({ name: "providerAway", value: true });
        break;
      case "upstream_restored":
        this.tell({ name: "providerAway", value: false });
        break;
      case "moving":
      case "session_ended":
        break; // about the connection, not about what was said
    }
    this.lastSeq = Math.max(this.lastSeq, message.seq);
  }

  /** The messages that go out next, together; none for now if it is empty. */
  takeMessages(): OutgoingMessage[] {
    let entry = this.flows ? this.ring.next() : null;
    while (entry?.kind === "hole") {
      this.skip(entry.from, entry.to);
      entry = this.ring.next();
    }
    return entry === null ? [] : this.encode(entry);
  }

  /** What happened since the last call, in order. */
  takeEvents(): Emission[] {
    const { events } = this;
    this.events = [];
    return events;
  }

  /** Nothing more will come: all that has no final is lost by `reason`. */
  giveUp(reason: string): void {
    if (this.lost.end >= this.ring.end) return;
    this.lose({ from: this.lost.end, to: this.ring.end, reason });
  }

  /** The relay has ended the session after `stop`: nothing that was said is missing. */
  settle(): void {
    this.cover(this.ring.end);
  }

  private planSession(): SessionPlan {
    const { end: covered } = this.lost;
    this.lineRate = this.rateFrom(Math.max(covered, this.ring.start));
    this.clock = new SessionClock(this.timeline, covered, this.lineRate);
    this.segments.beginSession();
    this.lastSeq = 0;
    this.receivedFrame = covered;
    this.lost.rewind(covered);
    this.ring.forgetMarkersAt(covered);
    this.flows = true; // once the socket is open, before the session has started
    return { sampleRate: this.lineRate, resume: null };
  }

  private planResume(token: string): SessionPlan {
    this.flows = false;
    this.ring.hold();
    this.lineRate = this.rateFrom(this.ring.start);
    this.offeredSample = this.clock.sampleAt(this.ring.start);
    const resume = {
      token,
      lastSeq: this.lastSeq,
      lastSegment: this.segments.lastNumber,
      fromSample: this.offeredSample,
      coveredSample: this.clock.sampleAt(this.lost.end),
    };
    return { sampleRate: this.lineRate, resume };
  }

  /** The rate at a frame, or of what will come where nothing is there. */
  private rateFrom(frame: number): number {
    return frame < this.ring.end ? this.timeline.rateAt(frame) : this.rate;
  }

  private start(message: SessionStarted): void {
    this.resumeToken = message.resume_token;
    this.catchUpFrame = this.ring.end;
    const { session_id: sessionId, config, limits } = message;
    const { minutes_left: minutesLeft, max_session_seconds: maxSessionSeconds } = limits;
    const isRecorded = message.recorded === true;
    const value = { sessionId, config, minutesLeft, maxSessionSeconds, isRecorded };
    this.tell({ name: "started", value });
  }

  private resume(message: SessionResumed): void {
    this.resumeToken = message.resume_token ?? this.resumeToken;
    this.catchUpFrame = this.ring.end;
    const frame = this.clock.frameAt(message.next_sample);
    // Where it wanted more than there is, a gap follows; how long it is, only the relay knows.
    const isAllThere = frame <= Math.max(this.receivedFrame, this.lost.end);
    this.awaitsGap = message.next_sample === this.offeredSample && !isAllThere;
    this.lost.rewind(frame);
    this.ring.resume(frame);
    this.flows = true;
  }

  private acknowledge(message: AudioAcknowledged, nowMs: number, isLive: boolean): void {
    const received = this.clock.frameAt(message.samples_received);
    const givenAtMs = this.ring.givenAtMs(received);
    if (isLive && givenAtMs !== null && received > this.receivedFrame) {
      this.meter.acknowledged(nowMs - givenAtMs);
    }
    this.receivedFrame = Math.max(this.receivedFrame, received);
    this.awaitsGap &&= message.samples_received < this.offeredSample;
    this.cover(this.clock.frameAt(message.samples_covered));
  }

  private commit(final: CommittedTranscript, nowMs: number, isLive: boolean): void {
    if (this.segments.has(final)) return;
    const end = this.clock.frameAt(final.end_sample);
    const spokenAtMs = this.ring.spokenAtMs(end);
    if (isLive && spokenAtMs !== null) this.meter.finished(nowMs - spokenAtMs);
    const begin = this.coveredSeconds;
    this.cover(end);
    if (final.cause === "client") this.ring.answer(end);
    const segment = this.segments.add(final, begin, this.timeline.secondsAt(end));
    if (segment !== null) this.tell({ name: "segment", value: segment });
    if (this.partial !== "") this.showPartial("");
  }

  private addTimes(timed: TimedTranscript): void {
    const segment = this.segments.addTimes(timed, this.clock);
    if (segment !== null) this.tell({ name: "segmentTimed", value: segment });
  }

  private queue({ position, estimated_wait_ms: estimatedWaitMs }: Queued): void {
    this.tell({ name: "queued", value: { position, estimatedWaitMs } });
  }

  private showPartial(text: string): void {
    this.partial = text;
    this.tell({ name: "partial", value: text });
  }

  private cover(frame: number): void {
    for (const range of this.lost.cover(Math.min(frame, this.ring.end))) this.lose(range);
    this.ring.cover(this.lost.end);
  }

  private leaveOut({ from_sample: from, to_sample: to, reason }: AudioGap): void {
    if (reason === CLIENT_BUFFER) {
      this.clock.leaveOut(from, to);
      this.awaitsGap = false;
    }
    this.lost.leaveOut(this.clock.frameAt(from), this.clock.frameAt(to), reason);
  }

  private skip(from: number, to: number): void {
    this.clock.skip(from, to);
    this.lost.skip(from, to, OVERFLOW);
    this.cover(this.lost.end); // nothing before it may be waited for
  }

  private lose(range: LostRange): void {
    const startSeconds = this.timeline.secondsAt(range.from);
    const endSeconds = this.timeline.secondsAt(range.to);
    this.secondsLost += endSeconds - startSeconds;
    this.tell({ name: "gap", value: { startSeconds, endSeconds, reason: range.reason } });
  }

  private secondsOf({ from, to }: FrameRange): number {
    return this.timeline.secondsAt(to) - this.timeline.secondsAt(from);
  }

  private encode(entry: Exclude<Entry, { kind: "hole" }>): OutgoingMessage[] {
    if (entry.kind === "marker") return [{ message_type: entry.marker }];
    if (entry.rate === this.lineRate) return [entry.samples];
    this.lineRate = entry.rate;
    return [{ message_type: "format", sample_rate: entry.rate }, entry.samples];
  }

  private tell(event: Emission): void {
    this.events.push(event);
  }
}
