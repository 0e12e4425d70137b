import fc from "fast-check";
import { expect, test } from "vitest";

import { Conversation, type OutgoingMessage, type SessionPlan } from "./Conversation";
import type { ServerMessage } from "./protocol";
import type { Gap, Segment, Word } from "./types";

/** Hz; so low that each frame lasts longer than times are rounded. */
const RATE = 500;

/** Little beside the messages, so that breaks are often longer. */
const RING_SECONDS = 0.4;

/** Before what a worker knows of, the next one wants to hear so much again. */
const PRE_ROLL = 20;

/** A frame of the session that its client didn't have any more. */
const LEFT_OUT = -1;

/** Distributes, so that `ServerMessage` keeps its members apart. */
type Unnumbered<Message> = Message extends ServerMessage ? Omit<Message, "seq"> : never;

/** The least that a relay is; each sample it hears says which one of the client's it is. */
class ModelRelay {
  /** For each of the session's samples, which one of the client's it is, and when it ends. */
  private heard: { frame: number; endSeconds: number; rate: number }[] = [];
  private readonly announcedRate: number;
  private rate: number;
  /** Counts from the first audio on. */
  private resumedRate: number | null = null;
  private covered = 0;
  /** As other workers know. */
  private committed = 0;
  private segment = 0;
  /** Samples that come again. */
  private preRoll = 0;
  private seq = 0;
  /** Sent, and the client may not have received it. */
  readonly sent: ServerMessage[] = [];

  constructor(plan: SessionPlan) {
    this.rate = this.announcedRate = plan.sampleRate;
    this.say({
      ...{ message_type: "session_started", session_id: "s", resume_token: "t", config: {} },
      limits: { minutes_left: null, max_session_seconds: null },
    });
  }

  receive(message: OutgoingMessage): void {
    if (message instanceof Float32Array) {
      this.rate = this.resumedRate ?? this.rate;
      this.resumedRate = null;
      for (const frame of message.subarray(this.preRoll)) this.hear(frame);
      this.preRoll = Math.max(0, this.preRoll - message.length);
    } else if (message.message_type === "format") {
      this.rate = message.sample_rate;
      this.resumedRate = null;
    }
  }

  /** End a segment behind a share of what has none. */
  commit(share: number): void {
    const end = this.covered + Math.ceil((this.heard.length - this.covered) * share);
    if (end > this.covered) this.commitTo(end);
  }

  acknowledge(): void {
    this.say({
      message_type: "audio_acknowledged",
      samples_received: this.heard.length,
      samples_covered: this.covered,
    });
  }

  /** What the client lacks comes again; another worker knows nothing behind the last final. */
  resume({ resume, sampleRate }: SessionPlan, isElsewhere: boolean): ServerMessage[] {
    if (resume === null) throw new Error("the client begins a new session");
    const { fromSample, lastSeq } = resume;
    const missed = this.sent.filter(({ seq }) => seq > lastSeq);
    const known = isElsewhere ? this.committed : this.heard.length;
    const next = Math.max(fromSample, isElsewhere ? known - PRE_ROLL : known);
    const resumed: ServerMessage = {
      message_type: "session_resumed",
      ...{ next_sample: next, last_seq: this.seq, seq: this.seq + 1, resume_token: null },
    };
    this.seq += 2;
    const before = this.sent.length;
    if (isElsewhere) this.covered = known;
    this.rate = this.heard[known - 1]?.rate ?? this.announcedRate;
    this.heard.length = known;
    this.preRoll = Math.max(0, known - next);
    if (next > known) this.leaveOut(known, next);
    this.resumedRate = sampleRate;
    return [resumed, ...missed, ...this.sent.slice(before)];
  }

  private leaveOut(from: number, to: number): void {
    this.say({
      message_type: "audio_gap",
      ...{ from_sample: from, to_sample: to, reason: "client_buffer" },
    });
    // The final before it covers it too.
    if (from > this.covered) this.commitTo(from, to);
    while (this.heard.length < to) this.hear(LEFT_OUT);
    this.covered = this.committed = to;
  }

  private commitTo(end: number, endSample = end): void {
    const frames = this.heard.slice(this.covered, end);
    const [first, last] = [frames[0], frames.at(-1)];
    if (first === undefined || last === undefined) return;
    const text = frames.map(({ frame }) => frame).join(",");
    const start = this.heard[this.covered - 1]?.endSeconds ?? 0;
    const final = { text, segment: this.segment, end_sample: endSample, cause: "vad" as const };
    this.segment += 1;
    this.covered = this.committed = end;
    this.say({ message_type: "committed_transcript", ...final });
    const words = [{ text, type: "word", start, end: last.endSeconds }];
    const type = "committed_transcript_with_timestamps";
    this.say({ message_type: type, ...final, words, language_code: null });
  }

  private hear(frame: number): void {
    const endSeconds = (this.heard.at(-1)?.endSeconds ?? 0) + 1 / this.rate;
    this.heard.push({ frame, endSeconds, rate: this.rate });
  }

  private say(message: Unnumbered<ServerMessage>): void {
    this.seq += 1;
    this.sent.push({ ...message, seq: this.seq });
  }
}

type Step =
  | { do: "speak"; frames: number; rate: number }
  /** Messages of the client's arrive; the others stay on the line. */
  | { do: "send"; messages: number }
  | { do: "commit"; share: number }
  | { do: "acknowledge" }
  /** Messages of the relay's arrive. */
  | { do: "read"; messages: number }
  | { do: "break"; said: number; saidWhileDialing: number; back: "here" | "elsewhere" | "anew" };

type Break = Extract<Step, { do: "break" }>;

const share = fc.double({ min: 0, max: 1, noNaN: true });

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("speak" as const),
      frames: fc.integer({ min: 1, max: 200 }),
      rate: fc.constantFrom(RATE, 2 * RATE),
    }),
  },
  { weight: 4, arbitrary: fc.record({ do: fc.constant("send" as const), messages: fc.nat(4) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("commit" as const), share }) },
  { weight: 1, arbitrary: fc.constant({ do: "acknowledge" as const }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("read" as const), messages: fc.nat(4) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant("break" as const),
      said: fc.nat(600),
      saidWhileDialing: fc.nat(200),
      back: fc.constantFrom("here" as const, "elsewhere" as const, "anew" as const),
    }),
  },
);

class Talk {
  readonly conversation = new Conversation(RATE, RING_SECONDS);
  readonly segments: Segment[] = [];
  readonly words: Word[] = [];
  readonly gaps: Gap[] = [];
  /** When each frame begins, in seconds, and the next one too. */
  readonly times: number[] = [0];
  private relay = new ModelRelay(this.conversation.plan());
  private unread = [...this.relay.sent];
  private rate = RATE;

  take(next: Step): void {
    const told = this.relay.sent.length;
    if (next.do === "speak") this.speak(next.frames, next.rate);
    else if (next.do === "send") this.send(next.messages);
    else if (next.do === "commit") this.relay.commit(next.share);
    else if (next.do === "acknowledge") this.relay.acknowledge();
    else if (next.do === "read") this.read(next.messages);
    else this.breakLine(next);
    if (next.do !== "break") this.unread.push(...this.relay.sent.slice(told));
  }

  /** Everything arrives, and gets its final. */
  finish(): void {
    this.read(Infinity);
    this.send(Infinity);
    this.take({ do: "commit", share: 1 });
    this.read(Infinity);
    this.conversation.settle();
    this.listen();
  }

  private speak(frames: number, rate = this.rate): void {
    const said = this.times.length - 1;
    this.rate = rate;
    this.conversation.hear(
      Float32Array.from({ length: frames }, (_, index) => said + index),
      ...([rate, 0] as const),
    );
    for (let frame = 0; frame < frames; frame += 1) {
      this.times.push((this.times.at(-1) ?? 0) + 1 / rate);
    }
  }

  private send(messages: number): void {
    for (let sent = 0; sent < messages; sent += 1) {
      const batch = this.conversation.takeMessages();
      this.listen();
      if (batch.length === 0) return;
      for (const message of batch) this.relay.receive(message);
    }
  }

  private read(messages: number): void {
    for (const message of this.unread.splice(0, messages)) {
      const unsent = this.conversation.backlogSeconds;
      this.conversation.receive(message, 0, true);
      const isResumed = message.message_type === "session_resumed";
      if (!isResumed) expect(this.conversation.backlogSeconds).toBe(unsent);
      this.listen();
    }
  }

  private breakLine({ said, saidWhileDialing, back }: Break): void {
    const { conversation } = this;
    conversation.takeMessages(); // lost on the line
    conversation.lineBroke();
    if (said > 0) this.speak(said);
    if (back === "anew") conversation.forgetSession();
    const plan = conversation.plan();
    if (saidWhileDialing > 0) this.speak(saidWhileDialing);
    if (plan.resume === null) {
      this.relay = new ModelRelay(plan);
      this.unread = [...this.relay.sent];
    } else this.unread = this.relay.resume(plan, back === "elsewhere");
    this.listen();
  }

  private listen(): void {
    for (const { name, value } of this.conversation.takeEvents()) {
      if (name === "segment") this.segments.push(value);
      else if (name === "segmentTimed") this.words.push(...(value.words ?? []));
      else if (name === "gap") this.gaps.push(value);
    }
  }
}

test("however much a break outlasts the ring, each frame is in one final or in one gap", () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40, size: "max" }), (steps) => {
      const talk = new Talk();
      for (const next of steps) talk.take(next);
      talk.finish();
      const { times, segments, gaps, words } = talk;

      const heard = segments.flatMap(({ text }) => text.split(",").map(Number));
      expect(heard).toEqual([...new Set(heard)].sort((a, b) => a - b));
      const isIn = (frame: number) => (gap: Gap) => {
        const middle = ((times[frame] ?? 0) + (times[frame + 1] ?? 0)) / 2;
        return gap.startSeconds < middle && middle < gap.endSeconds;
      };
      const covered = new Set(heard);
      const frames = [...times.keys()].slice(0, -1);
      const places = (frame: number) =>
        gaps.filter(isIn(frame)).length + Number(covered.has(frame));
      expect(frames.filter((frame) => places(frame) !== 1)).toEqual([]);
      for (const [index, gap] of gaps.entries()) {
        expect(gap.startSeconds).toBeGreaterThanOrEqual(gaps[index - 1]?.endSeconds ?? 0);
      }
      for (const { text, start, end } of words) {
        const [first = 0, last = first] = text.split(/,(?:.*,)?/).map(Number);
        expect(start).toBeCloseTo(times[first] ?? -1, 2.9);
        expect(end).toBeCloseTo(times[last + 1] ?? -1, 2.9);
      }
    }),
  );
});
