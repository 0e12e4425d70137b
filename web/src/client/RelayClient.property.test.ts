import fc from "fast-check";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { FakeWebSockets, type FakeWebSocket } from "../test/FakeWebSocket";
import type { ClientMessage } from "./protocol";
import { RelayClient } from "./RelayClient";
import type { Segment, Word } from "./types";

/** Frames of one relay session: each sample says which one of the client's it is. */
interface Heard {
  frames: number[];
  /** When each of them ends, in seconds of the session. */
  times: number[];
  covered: number;
  segments: number;
  rate: number;
}

/**
 * The least that a relay is: it counts frames, commits where the test says, and tells so. What it
 * covered counts only if the client was told.
 */
class ModelRelay {
  readonly covered: number[] = [];
  readonly sockets = new FakeWebSockets();
  private heard: Heard = { frames: [], times: [], covered: 0, segments: 0, rate: 0 };
  private read = 0;
  private seq = 0;

  get socket(): FakeWebSocket {
    return this.sockets.last;
  }

  accept(): void {
    const rate = Number(this.socket.query.get("sample_rate"));
    this.heard = { frames: [], times: [], covered: 0, segments: 0, rate };
    this.read = 0;
    this.socket.open();
    this.say({
      ...{ message_type: "session_started", session_id: "s", config: {} },
      limits: { minutes_left: null, max_session_seconds: null },
    });
  }

  /** Cover some of what was heard: by a final, by an empty one, or by an acknowledgement. */
  cover(share: number, kind: "text" | "empty" | "acknowledgement"): void {
    this.listen();
    const { heard } = this;
    const end = heard.covered + Math.ceil((heard.frames.length - heard.covered) * share);
    if (end === heard.covered) return;
    const frames = heard.frames.slice(heard.covered, end);
    const start = heard.times[heard.covered - 1] ?? 0;
    this.covered.push(...frames);
    heard.covered = end;
    if (kind === "acknowledgement") this.acknowledge();
    else this.commit(kind === "text" ? [frames[0], frames.at(-1)].join() : "", start);
  }

  acknowledge(): void {
    this.listen();
    this.say({
      message_type: "audio_acknowledged",
      samples_received: this.heard.frames.length,
      samples_covered: this.heard.covered,
    });
  }

  /** The final that was on its way when the line broke. */
  breakBeforeFinal(): void {
    this.socket.drop(1006);
  }

  hasHeard(messageType: string): boolean {
    return this.socket.texts.some(({ message_type }) => message_type === messageType);
  }

  end(): void {
    this.say({
      message_type: "session_ended",
      reason: "stopped",
      audio_ms: 0,
      segments: 0,
      words: 0,
    });
  }

  private commit(text: string, start: number): void {
    const { heard } = this;
    const end = heard.times[heard.covered - 1] ?? 0;
    const cause = "vad";
    const final = { text, segment: heard.segments, end_sample: heard.covered, cause };
    heard.segments += 1;
    this.say({ message_type: "committed_transcript", ...final });
    const words = text === "" ? [] : [{ text, type: "word", start, end }];
    this.say({ message_type: "committed_transcript_with_timestamps", ...final, words });
  }

  private listen(): void {
    for (const message of this.socket.sent.slice(this.read)) {
      if (typeof message === "string") this.obey(JSON.parse(message) as ClientMessage);
      else for (const frame of message) this.hear(frame);
    }
    this.read = this.socket.sent.length;
  }

  private obey(message: ClientMessage): void {
    if (message.message_type === "format") this.heard.rate = message.sample_rate;
  }

  private hear(frame: number): void {
    const { frames, times, rate } = this.heard;
    frames.push(frame);
    times.push((times.at(-1) ?? 0) + 1 / rate);
  }

  private say(message: Record<string, unknown> & { message_type: string }): void {
    this.socket.receive({ ...message, seq: this.seq });
    this.seq += 1;
  }
}

type Step =
  | { do: "speak"; frames: number; rate: number }
  | { do: "cover"; share: number; kind: "text" | "empty" | "acknowledgement" }
  | { do: "break"; speaksMeanwhile: number; refusals: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("speak" as const),
      frames: fc.integer({ min: 1, max: 60 }),
      rate: fc.constantFrom(8_000, 16_000, 48_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("cover" as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
      kind: fc.constantFrom("text" as const, "empty" as const, "acknowledgement" as const),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("break" as const),
      speaksMeanwhile: fc.nat(40),
      refusals: fc.nat(2),
    }),
  },
);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

class Speaker {
  readonly client: RelayClient;
  readonly relay = new ModelRelay();
  readonly segments: Segment[] = [];
  readonly words: Word[] = [];
  /** When each frame begins, in seconds, and the next one too. */
  readonly times: number[] = [0];
  gaps = 0;
  private rate = 8_000;

  get said(): number {
    return this.times.length - 1;
  }

  constructor() {
    this.client = new RelayClient({
      ...{ url: "https://relay.example.org", sampleRate: 8_000, random: () => 0 },
      createSocket: this.relay.sockets.create,
    });
    this.client.on("segment", (segment) => void this.segments.push(segment));
    this.client.on("segmentTimed", ({ words }) => void this.words.push(...(words ?? [])));
    this.client.on("gap", () => void (this.gaps += 1));
  }

  take(next: Step): void {
    if (next.do === "speak") this.speak(next.frames, next.rate);
    else if (next.do === "cover") this.relay.cover(next.share, next.kind);
    else this.breakLine(next.speaksMeanwhile, next.refusals);
  }

  speak(frames: number, rate = this.rate): void {
    const { said } = this;
    this.rate = rate;
    this.client.send(
      Float32Array.from({ length: frames }, (_, index) => said + index),
      rate,
    );
    for (let frame = 0; frame < frames; frame += 1) {
      this.times.push((this.times.at(-1) ?? 0) + 1 / rate);
    }
  }

  private breakLine(speaksMeanwhile: number, refusals: number): void {
    this.relay.breakBeforeFinal();
    this.speak(speaksMeanwhile);
    for (let refusal = 0; refusal < refusals; refusal += 1) {
      vi.advanceTimersToNextTimer();
      this.relay.socket.drop(1012);
    }
    vi.advanceTimersToNextTimer();
    this.relay.accept();
  }
}

test("whatever breaks when, each frame is covered once, and segments have no holes", async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const speaker = new Speaker();
      const { client, relay } = speaker;
      speaker.speak(5);
      client.connect();
      relay.accept();
      for (const next of steps) speaker.take(next);
      const stopped = client.stop();
      expect(relay.hasHeard("stop")).toBe(true);
      relay.cover(1, "text");
      relay.end();
      await stopped;

      expect(relay.covered).toEqual(Array.from({ length: speaker.said }, (_, index) => index));
      expect(speaker.segments.map(({ index }) => index)).toEqual([...speaker.segments.keys()]);
      expect(speaker.gaps).toBe(0);
      for (const [index, segment] of speaker.segments.entries()) {
        const former = speaker.segments[index - 1]?.endSeconds ?? 0;
        expect(segment.startSeconds).toBeGreaterThanOrEqual(former);
        expect(segment.endSeconds).toBeGreaterThan(segment.startSeconds);
      }
      expect(speaker.segments.at(-1)?.endSeconds ?? 0).toBeLessThanOrEqual(client.capturedSeconds);
      for (const { text, start, end } of speaker.words) {
        const [first = 0, last = 0] = text.split(",").map(Number);
        expect(start).toBeCloseTo(speaker.times[first] ?? -1, 2.9);
        expect(end).toBeCloseTo(speaker.times[last + 1] ?? -1, 2.9);
      }
      expect(speaker.words).toHaveLength(speaker.segments.length);
      expect(vi.getTimerCount()).toBe(0);
    }),
  );
});
