import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { FakeWebSockets } from "../test/FakeWebSocket";
import { BLOCKED_TIMEOUT_MS, HIGH_WATER_BYTES, SILENCE_TIMEOUT_MS } from "./Line";
import { problem } from "./problems";
import { RelayClient, type RelayClientOptions } from "./RelayClient";
import { RelayClientError } from "./RelayClientError";
import type { ClientEvents, CredentialRequest } from "./types";

const RATE = 8_000;

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** Writes down all events of a client, beside a relay that the test plays. */
class Scene {
  readonly sockets = new FakeWebSockets();
  readonly client: RelayClient;
  private readonly told: { name: keyof ClientEvents; value: unknown }[] = [];
  private seq = 0;

  constructor(options: Partial<RelayClientOptions> = {}) {
    this.client = new RelayClient({
      ...{ url: "https://relay.example.org", sampleRate: RATE, random: () => 0.5 },
      now: () => Date.now(),
      createSocket: this.sockets.create,
      ...options,
    });
    for (const name of NAMES) this.client.on(name, (value) => void this.told.push({ name, value }));
  }

  get socket() {
    return this.sockets.last;
  }

  events<Name extends keyof ClientEvents>(name: Name): ClientEvents[Name][] {
    return this.told
      .filter((event) => event.name === name)
      .map(({ value }) => value as ClientEvents[Name]);
  }

  /** Connected, with a session. */
  begin(fields: object = {}): this {
    this.client.connect();
    return this.accept(fields);
  }

  accept(fields: object = {}): this {
    this.socket.open();
    return this.start(fields);
  }

  start(fields: object = {}): this {
    return this.say("session_started", {
      ...{ session_id: "s", config: {} },
      limits: { minutes_left: 30, max_session_seconds: null },
      ...fields,
    });
  }

  say(message_type: string, fields: object = {}): this {
    this.socket.receive({ message_type, seq: (this.seq += 1), ...fields });
    return this;
  }

  final(text: string, segment: number, end_sample: number, cause = "vad"): this {
    return this.say("committed_transcript", { text, segment, end_sample, cause });
  }

  acknowledge(samples_received: number, samples_covered = 0): this {
    return this.say("audio_acknowledged", { samples_received, samples_covered });
  }

  fail(type: string, code: number, fields: object = {}): this {
    this.say(type, { error: `${type}.`, retryable: true, ...fields });
    this.socket.drop(code);
    return this;
  }

  /** Seconds of samples that count on, the first of each second being its number. */
  speak(seconds: number, rate = RATE): this {
    for (let tenth = 0; tenth < seconds * 10; tenth += 1) {
      const first = Math.round(this.client.capturedSeconds * 10);
      this.client.send(new Float32Array(rate / 10).fill(first), rate);
    }
    return this;
  }

  /** Tenths of seconds that went out over the present socket. */
  get tenths(): number[] {
    const { sent } = this.socket;
    return sent.flatMap((message) => (typeof message === "string" ? [] : [message[0] ?? -1]));
  }

  /** Messages other than audio that went out over the present socket, by type. */
  get steering(): string[] {
    return this.socket.texts.map(({ message_type }) => message_type);
  }
}

const NAMES: readonly (keyof ClientEvents)[] = [
  ...(["state", "started", "partial", "segment", "segmentTimed", "gap", "queued"] as const),
  ...(["warning", "problem", "reconnecting", "resumed", "ended"] as const),
];

function tenths(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index);
}

describe("connecting", () => {
  test("what is said before the socket is open goes out when it is, before the session", () => {
    const scene = new Scene().speak(1);
    scene.client.connect();
    scene.speak(0.5);
    expect(scene.tenths).toEqual([]);
    scene.socket.open();
    expect(scene.tenths).toEqual(tenths(0, 15));
    expect(scene.client.state).toBe("connecting");
    scene.start();
    expect(scene.events("state")).toEqual(["connecting", "live"]);
  });

  test("options stand in the query under the relay's names", () => {
    const scene = new Scene({ languageCode: "en", parameters: { keyterms: ["a", "b"] } }).begin();
    expect(Object.fromEntries(scene.socket.query)).toEqual({
      ...{ commit_strategy: "vad", include_timestamps: "true", language_code: "en" },
      ...{ keyterms: "b", sample_rate: "8000" },
    });
  });

  test("the rate that is announced is that of the first samples", () => {
    const scene = new Scene({ sampleRate: 48_000 }).speak(0.1, 16_000).begin();
    expect(scene.socket.query.get("sample_rate")).toBe("16000");
    expect(scene.steering).toEqual([]);
  });

  test("a new rate is announced before its samples", () => {
    const scene = new Scene().begin().speak(0.1).speak(0.1, 16_000);
    const format = JSON.stringify({ message_type: "format", sample_rate: 16_000 });
    expect(scene.socket.sent[1]).toBe(format);
    expect(scene.socket.sent).toHaveLength(3);
    expect(() => scene.client.send(new Float32Array(1), 44_100.5)).toThrow(RangeError);
  });

  test("a socket that doesn't open in 10 s counts as broken", () => {
    const scene = new Scene();
    scene.client.connect();
    vi.advanceTimersByTime(10_000);
    expect(scene.socket.closedWith).not.toBeNull();
    expect(scene.events("reconnecting")).toMatchObject([{ attempt: 1, delayMs: 125 }]);
    expect(scene.client.state).toBe("connecting");
  });

  test("a session that doesn't start in 10 s counts as broken", () => {
    const scene = new Scene();
    scene.client.connect();
    scene.socket.open();
    vi.advanceTimersByTime(10_000);
    expect(scene.events("reconnecting")).toHaveLength(1);
  });

  test("an address that can't be right ends it at once", () => {
    const scene = new Scene({ url: "relay.example.org" });
    scene.client.connect();
    expect(scene.events("problem")).toMatchObject([{ kind: "invalid_request", isFinal: true }]);
    expect(scene.client.state).toBe("ended");
  });
});

describe("credentials", () => {
  test("the provider is asked for every session that begins", async () => {
    let tickets = 0;
    const scene = new Scene({ credential: () => ({ ticket: `t${(tickets += 1)}` }) });
    scene.client.connect();
    await vi.advanceTimersByTimeAsync(0);
    expect(scene.socket.protocols).toEqual(["scribe-relay.v1", "ticket.t1"]);
    scene.accept();
    scene.socket.drop();
    await vi.advanceTimersByTimeAsync(125);
    expect(scene.socket.protocols).toEqual(["scribe-relay.v1", "ticket.t2"]);
  });

  test("one that fails is asked again, with the number of the attempt", async () => {
    const attempts: number[] = [];
    const credential = ({ attempt }: CredentialRequest) => {
      attempts.push(attempt);
      return Promise.reject(new Error("no network"));
    };
    const scene = new Scene({ credential });
    scene.client.connect();
    await vi.advanceTimersByTimeAsync(125);
    expect(attempts).toEqual([1, 2]);
    expect(scene.events("reconnecting")[0]?.problem).toMatchObject({ errorType: "credential" });
  });

  test("one that knows better ends it", async () => {
    const refusal = new RelayClientError(problem("not_signed_in", { detail: "Signed out." }));
    const scene = new Scene({ credential: () => Promise.reject(refusal) });
    scene.client.connect();
    await vi.advanceTimersByTimeAsync(0);
    expect(scene.events("problem")).toEqual([refusal.problem]);
    expect(scene.client.state).toBe("ended");
  });

  test.each(["close", "time"])("it learns by its signal that it is too late: %s", async (end) => {
    const signals: AbortSignal[] = [];
    const scene = new Scene({
      credential: ({ signal }) => {
        signals.push(signal);
        return new Promise(() => undefined);
      },
    });
    scene.client.connect();
    if (end === "close") scene.client.close();
    else await vi.advanceTimersByTimeAsync(10_000);
    expect(signals[0]?.aborted).toBe(true);
  });

  test("a refused one is renewed once", async () => {
    const scene = new Scene({ credential: () => ({ ticket: "t" }) });
    scene.client.connect();
    for (let attempt = 0; attempt < 2; attempt += 1) {
      await vi.advanceTimersByTimeAsync(0);
      scene.socket.open();
      scene.fail("unauthorized", 4401);
    }
    expect(scene.sockets.all).toHaveLength(2);
    expect(scene.events("problem")).toMatchObject([{ kind: "not_signed_in", isFinal: true }]);
  });
});

describe("what was said", () => {
  test("a final is a segment, from the end of the former to its own", () => {
    const scene = new Scene()
      .begin()
      .speak(3)
      .final("One.", 0, RATE)
      .final("Two.", 1, 2 * RATE);
    expect(scene.events("segment")).toMatchObject([
      { index: 0, text: "One.", startSeconds: 0, endSeconds: 1, words: null },
      { index: 1, text: "Two.", startSeconds: 1, endSeconds: 2, words: null },
    ]);
  });

  test("an empty final is no segment, and moves the cover point", () => {
    const scene = new Scene()
      .begin()
      .speak(3)
      .final("", 0, RATE)
      .final("Two.", 1, 2 * RATE);
    expect(scene.events("segment")).toMatchObject([{ index: 0, startSeconds: 1 }]);
  });

  test("a segment takes the place of the partial", () => {
    const scene = new Scene().begin().speak(1).say("partial_transcript", { text: "Wo" });
    scene.final("Word.", 0, RATE);
    expect(scene.events("partial")).toEqual(["Wo", ""]);
  });

  test("words come later, and tell better where a segment begins and ends", () => {
    const scene = new Scene().begin().speak(1).final("Word.", 0, RATE);
    const words = [
      { text: " ", type: "spacing", start: 0, end: 0.2 },
      { text: "Word.", type: "word", start: 0.2, end: 0.7 },
    ];
    const timed = { text: "Word.", segment: 0, end_sample: RATE, cause: "vad" };
    scene.say("committed_transcript_with_timestamps", { ...timed, words, language_code: "en" });
    expect(scene.events("segmentTimed")).toEqual([
      {
        ...{ index: 0, text: "Word.", startSeconds: 0.2, endSeconds: 0.7, cause: "vad" },
        ...{ words, languageCode: "en" },
      },
    ]);
  });

  test("a timed message that brings nothing is not told", () => {
    const scene = new Scene().begin().speak(1).final("Word.", 0, RATE);
    const timed = { text: "Word.", segment: 0, end_sample: RATE, cause: "vad", words: null };
    scene.say("committed_transcript_with_timestamps", timed);
    expect(scene.events("segmentTimed")).toEqual([]);
  });

  test("one message that is no good is a warning, not the reason of a later end", () => {
    const scene = new Scene().begin().say("input_error", { error: "NaN.", retryable: false });
    scene.socket.drop();
    expect(scene.events("warning")).toEqual([{ code: "input_error", text: "NaN." }]);
    expect(scene.events("reconnecting")[0]?.problem.errorType).toBeNull();
  });

  test("what the relay passed over is a gap as soon as it has gone on", () => {
    const scene = new Scene().begin().speak(3);
    scene.say("audio_gap", { from_sample: RATE, to_sample: 2 * RATE, reason: "provider" });
    expect(scene.events("gap")).toEqual([]);
    scene.acknowledge(3 * RATE, 2 * RATE);
    expect(scene.events("gap")).toEqual([{ startSeconds: 1, endSeconds: 2, reason: "provider" }]);
  });

  test("latency is measured from the samples' own moments", () => {
    const scene = new Scene().begin();
    scene.client.send(new Float32Array(RATE));
    vi.advanceTimersByTime(80);
    scene.acknowledge(RATE);
    vi.advanceTimersByTime(220);
    scene.final("Half.", 0, RATE / 2);
    expect(scene.client.latency).toEqual({ lineMs: 80, finalMs: 800 });
  });
});

describe("a fresh session after a break", () => {
  test("gets what has no final, from the cover point exactly", () => {
    const scene = new Scene().begin().speak(2).final("One.", 0, RATE);
    scene.socket.drop();
    scene.speak(1);
    vi.advanceTimersByTime(125);
    scene.socket.open();
    expect(scene.tenths).toEqual(tenths(10, 30));
    expect(scene.socket.protocols).toEqual(["scribe-relay.v1"]);
  });

  test("counts from 0, and is moved onto the one timeline", () => {
    const scene = new Scene().begin().speak(2).final("One.", 0, RATE);
    scene.socket.drop();
    vi.advanceTimersByTime(125);
    scene.accept().final("Two.", 0, RATE);
    const words = [{ text: "Two.", type: "word", start: 0.25, end: 0.5 }];
    const timed = { text: "Two.", segment: 0, end_sample: RATE, cause: "vad", words };
    scene.say("committed_transcript_with_timestamps", timed);
    expect(scene.events("segment")[1]).toMatchObject({ index: 1, startSeconds: 1, endSeconds: 2 });
    expect(scene.events("segmentTimed")[0]?.words).toMatchObject([{ start: 1.25, end: 1.5 }]);
  });

  test("begins at the rate of where it begins, and follows each change", () => {
    const scene = new Scene().begin().speak(1).speak(1, 16_000).speak(1, 48_000);
    scene.final("One.", 0, RATE);
    scene.socket.drop();
    vi.advanceTimersByTime(125);
    scene.socket.open();
    expect(scene.socket.query.get("sample_rate")).toBe("16000");
    expect(scene.socket.texts).toEqual([{ message_type: "format", sample_rate: 48_000 }]);
    expect(scene.socket.samples).toHaveLength(64_000);
  });

  test("is told once more of commits without a final, in their places", () => {
    const scene = new Scene({ commitStrategy: "manual" }).begin().speak(0.5);
    scene.client.commit();
    scene.speak(0.5);
    scene.client.commit();
    scene.final("One.", 0, RATE / 2 - 100, "client");
    scene.socket.drop();
    vi.advanceTimersByTime(125);
    scene.socket.open();
    expect(scene.steering).toEqual(["commit"]);
    expect(scene.socket.sent.at(-1)).toBe('{"message_type":"commit"}');
  });

  test("is `resumed` until it has all of it, then `live`", () => {
    const scene = new Scene().begin().speak(1);
    scene.socket.drop();
    vi.advanceTimersByTime(125);
    scene.accept().acknowledge(RATE / 2);
    expect(scene.client.state).toBe("resumed");
    scene.acknowledge(RATE);
    expect(scene.events("state").slice(1)).toEqual(["live", "reconnecting", "resumed", "live"]);
    expect(scene.events("resumed")).toEqual([{ atSeconds: 1, lastedMs: 125, missingSeconds: 0 }]);
  });

  test("sends what was refused meanwhile: its end was no loss", () => {
    const scene = new Scene().begin().speak(4).final("One.", 0, RATE);
    scene.say("audio_gap", { from_sample: RATE, to_sample: 2 * RATE, reason: "x" });
    scene.fail("upstream_unavailable", 4503, { retry_after_ms: 2_000 });
    vi.advanceTimersByTime(2_125);
    scene.accept().final("Two.", 0, 3 * RATE);
    expect(scene.tenths).toEqual(tenths(10, 40));
    expect(scene.events("gap")).toEqual([]);
  });

  test("what the ring couldn't hold is a gap, told once", () => {
    const scene = new Scene({ ringSeconds: 2 }).begin().speak(1).final("One.", 0, RATE);
    scene.socket.drop();
    scene.speak(4);
    expect(scene.events("gap")).toEqual([]);
    vi.advanceTimersByTime(125);
    scene.accept();
    const [gap, ...others] = scene.events("gap");
    expect(gap?.startSeconds).toBe(1);
    expect(gap?.endSeconds).toBeCloseTo(3);
    expect(others).toEqual([]);
    expect(scene.events("resumed")[0]?.missingSeconds).toBeCloseTo(2);
    scene.final("Two.", 0, RATE);
    expect(scene.events("segment")[1]?.endSeconds).toBeCloseTo(4);
  });
});

describe("a session that can be resumed", () => {
  function broken(): Scene {
    const scene = new Scene().begin({ resume_token: "t0k3n" }).speak(2).final("One.", 0, RATE);
    scene.socket.drop();
    vi.advanceTimersByTime(125);
    return scene;
  }

  test("is asked for with what was received, and gets nothing before it says from where", () => {
    const scene = broken();
    scene.socket.open();
    expect(scene.socket.protocols).toEqual(["scribe-relay.v1", "resume.t0k3n"]);
    expect(Object.fromEntries(scene.socket.query)).toMatchObject({
      ...{ last_seq: "2", last_segment: "0", from_sample: String(RATE * 0.7) },
      covered_sample: String(RATE),
    });
    expect(scene.socket.sent).toEqual([]);
    scene.say("session_resumed", { next_sample: 1.5 * RATE, last_seq: 2 });
    expect(scene.tenths).toEqual(tenths(15, 20));
  });

  test("shows no ticket beside its token, and a fresh one when it is gone", async () => {
    let tickets = 0;
    const scene = new Scene({ credential: () => ({ ticket: `t${(tickets += 1)}` }) });
    scene.client.connect();
    await vi.advanceTimersByTimeAsync(0);
    scene.accept({ resume_token: "t0k3n" }).speak(1);
    scene.socket.drop();
    await vi.advanceTimersByTimeAsync(125);
    expect(scene.socket.protocols).toEqual(["scribe-relay.v1", "resume.t0k3n"]);
    scene.socket.open();
    scene.fail("unauthorized", 4401);
    await vi.advanceTimersByTimeAsync(0);
    expect(scene.socket.protocols).toEqual(["scribe-relay.v1", "ticket.t2"]);
  });

  test("drops finals that were received, and takes those that weren't", () => {
    const scene = broken();
    scene.socket.open();
    scene.say("session_resumed", { next_sample: 2 * RATE, last_seq: 2 });
    scene.final("One.", 0, RATE).final("Two.", 1, 2 * RATE);
    expect(scene.events("segment").map(({ text }) => text)).toEqual(["One.", "Two."]);
    expect(scene.client.state).toBe("live");
  });

  test("announces the rate where it goes on, if it is another", () => {
    const scene = new Scene().begin({ resume_token: "t" }).speak(1).speak(1, 16_000);
    scene.socket.drop();
    vi.advanceTimersByTime(125);
    scene.socket.open();
    expect(scene.socket.query.get("sample_rate")).toBe("8000");
    scene.say("session_resumed", { next_sample: RATE, last_seq: 1 });
    expect(scene.socket.texts).toEqual([{ message_type: "format", sample_rate: 16_000 }]);
  });

  test.each([
    ["unauthorized", 4401],
    ["invalid_request", 4400],
  ])("is followed by a fresh one at once if it is refused: %s", (type, code) => {
    const scene = broken();
    scene.socket.open();
    scene.fail(type, code);
    scene.accept();
    expect(scene.socket.protocols).toEqual(["scribe-relay.v1"]);
    expect(scene.tenths).toEqual(tenths(10, 20));
    expect(scene.events("problem")).toEqual([]);
  });

  test("is not asked for after the relay ended it", () => {
    const scene = new Scene().begin({ resume_token: "t" }).speak(1);
    scene.fail("upstream_unavailable", 4503);
    vi.advanceTimersByTime(125);
    expect(scene.socket.protocols).toEqual(["scribe-relay.v1"]);
  });

  test("is taken elsewhere when the relay moves, without alarm", () => {
    const scene = new Scene().begin({ resume_token: "t" }).say("moving", { after_ms: 700 });
    vi.advanceTimersByTime(700);
    expect(scene.socket.protocols).toEqual(["scribe-relay.v1", "resume.t"]);
    expect(scene.sockets.all[0]?.closedWith?.code).not.toBe(1000);
    expect(scene.events("reconnecting")).toEqual([]);
  });
});

describe("a session that is resumed after more than the ring holds", () => {
  /** One second has its final, two of five said since are there, and a second of them arrived. */
  function overflown(): Scene {
    const scene = new Scene({ ringSeconds: 2 }).begin({ resume_token: "t" });
    scene.speak(1).final("One.", 0, RATE).speak(1).acknowledge(RATE);
    scene.socket.drop();
    scene.speak(4);
    vi.advanceTimersByTime(125);
    scene.socket.open();
    return scene;
  }

  test("sends all that it offered, however much is said before the relay answers", () => {
    const scene = overflown();
    expect(scene.socket.query.get("from_sample")).toBe(String(4 * RATE));
    scene.speak(1).say("session_resumed", { next_sample: 4 * RATE, last_seq: 3 });
    expect(scene.tenths).toEqual(tenths(40, 70));
    scene.speak(1);
    expect(scene.tenths).toEqual(tenths(40, 80));
  });

  test("says how much is missing once the relay has, and shows it as one gap", () => {
    const scene = overflown().say("session_resumed", { next_sample: 4 * RATE, last_seq: 3 });
    scene.final("Two.", 1, 2 * RATE);
    expect(scene.events("resumed")).toEqual([]);
    const gap = { from_sample: 2 * RATE, to_sample: 4 * RATE, reason: "client_buffer" };
    scene.say("audio_gap", gap);
    expect(scene.events("resumed")).toEqual([{ atSeconds: 6, lastedMs: 125, missingSeconds: 2 }]);
    scene.final("Three.", 2, 6 * RATE);
    expect(scene.events("gap")).toEqual([
      { startSeconds: 2, endSeconds: 4, reason: "client_buffer" },
    ]);
  });

  test("says that nothing is missing as soon as that is sure", () => {
    const scene = overflown().say("session_resumed", { next_sample: 4 * RATE, last_seq: 3 });
    scene.acknowledge(2 * RATE); // it waited since before the break
    expect(scene.events("resumed")).toEqual([]);
    scene.acknowledge(4 * RATE);
    expect(scene.events("resumed")).toMatchObject([{ missingSeconds: 0 }]);
  });

  test("keeps a gap over the next break, since the relay tells of it once", () => {
    const scene = overflown().say("session_resumed", { next_sample: 4 * RATE, last_seq: 3 });
    const gap = { from_sample: 2 * RATE, to_sample: 4 * RATE, reason: "client_buffer" };
    scene.final("Two.", 1, 2 * RATE).say("audio_gap", gap);
    scene.socket.drop();
    vi.advanceTimersByTime(125);
    scene.socket.open();
    scene.say("session_resumed", { next_sample: 4 * RATE, last_seq: 3 });
    scene.final("Three.", 2, 6 * RATE);
    expect(scene.events("gap")).toMatchObject([{ startSeconds: 2, endSeconds: 4 }]);
  });
});

describe("a slow or dead line", () => {
  test("sending waits while the buffer is full, and goes on when it has drained", () => {
    const scene = new Scene().begin();
    scene.socket.bufferedAmount = HIGH_WATER_BYTES + 1;
    scene.speak(1);
    expect(scene.tenths).toEqual([]);
    expect(scene.client.backlogSeconds).toBeCloseTo(1);
    scene.socket.bufferedAmount = 0;
    vi.advanceTimersByTime(50);
    expect(scene.tenths).toEqual(tenths(0, 10));
    vi.advanceTimersByTime(SILENCE_TIMEOUT_MS - 1);
    expect(scene.sockets.all).toHaveLength(1);
  });

  test("no timer runs while nothing blocks and no audio is sent", () => {
    new Scene().begin();
    expect(vi.getTimerCount()).toBe(0);
  });

  test("audio without any answer for 15 s means a dead line", () => {
    const scene = new Scene().begin().speak(0.1);
    vi.advanceTimersByTime(SILENCE_TIMEOUT_MS - 1);
    expect(scene.client.state).toBe("live");
    vi.advanceTimersByTime(1);
    expect(scene.client.state).toBe("reconnecting");
    expect(scene.socket.closedWith?.code).not.toBe(1000);
  });

  test("any word from the relay shows that it lives", () => {
    const scene = new Scene().begin().speak(0.1);
    vi.advanceTimersByTime(10_000);
    scene.say("something_new");
    vi.advanceTimersByTime(60_000);
    expect(scene.client.state).toBe("live");
  });

  test("a relay that reads no further is given more time, but not for ever", () => {
    const scene = new Scene().begin();
    scene.socket.bufferedAmount = HIGH_WATER_BYTES + 1;
    scene.speak(0.1);
    vi.advanceTimersByTime(SILENCE_TIMEOUT_MS);
    scene.say("queued", { position: 2, estimated_wait_ms: null });
    vi.advanceTimersByTime(BLOCKED_TIMEOUT_MS - 1);
    expect(scene.client.state).toBe("live");
    vi.advanceTimersByTime(1);
    expect(scene.client.state).toBe("reconnecting");
  });

  test("what is dropped unsent while the relay doesn't read is a gap in the same session", () => {
    const scene = new Scene({ ringSeconds: 2 }).begin().speak(1);
    scene.socket.bufferedAmount = HIGH_WATER_BYTES + 1;
    scene.speak(4);
    scene.socket.bufferedAmount = 0;
    vi.advanceTimersByTime(50);
    expect(scene.events("gap")).toEqual([]); // what lies before it may get its final yet
    scene.final("All.", 0, 3 * RATE);
    const [gap, ...others] = scene.events("gap");
    expect(gap).toMatchObject({ startSeconds: 1, reason: "buffer_overflow" });
    expect(gap?.endSeconds).toBeCloseTo(3);
    expect(others).toEqual([]);
    expect(scene.events("segment")[0]?.endSeconds).toBeCloseTo(5);
  });
});

describe("ends and limits", () => {
  test("the day's quota ends it, and tells what got no final", () => {
    const scene = new Scene().begin().speak(2).final("One.", 0, RATE);
    scene.fail("quota_exceeded", 4429, { retry_after_ms: 3_600_000 });
    const expected = { kind: "limit_reached", isFinal: true, retryAfterMs: 3_600_000 };
    expect(scene.events("problem")).toMatchObject([expected]);
    expect(scene.events("gap")).toEqual([
      { startSeconds: 1, endSeconds: 2, reason: "quota_exceeded" },
    ]);
    expect(scene.events("ended")).toEqual([null]);
  });

  test("the session's longest time is followed by another session, at once", () => {
    const scene = new Scene().begin().speak(2).final("One.", 0, RATE);
    scene.fail("session_time_limit_exceeded", 4429);
    vi.advanceTimersByTime(0);
    scene.accept();
    expect(scene.tenths).toEqual(tenths(10, 20));
    expect(scene.events("problem")).toEqual([]);
  });

  test("a limit that passes is told, and waited out", () => {
    const scene = new Scene();
    scene.client.connect();
    scene.socket.open();
    scene.fail("too_many_sessions", 4429, { retry_after_ms: 4_000 });
    expect(scene.events("problem")).toMatchObject([{ kind: "limit_reached", isFinal: false }]);
    vi.advanceTimersByTime(4_125);
    expect(scene.sockets.all).toHaveLength(2);
  });

  test("a session that fails at once, again and again, is tried less and less often", () => {
    const scene = new Scene().begin();
    for (let time = 0; time < 4; time += 1) {
      scene.fail("upstream_unavailable", 4503);
      vi.advanceTimersToNextTimer();
      scene.accept();
    }
    const delays = scene.events("reconnecting").map(({ delayMs }) => delayMs);
    expect(delays).toEqual([125, 250, 500, 1_000]);
  });

  test("one that brought a final begins to count anew", () => {
    const scene = new Scene().begin();
    for (let time = 0; time < 2; time += 1) {
      scene.speak(1).final("Word.", 0, RATE);
      scene.socket.drop();
      vi.advanceTimersToNextTimer();
      scene.accept();
    }
    expect(scene.events("reconnecting").map(({ attempt }) => attempt)).toEqual([1, 1]);
  });

  test("an idle session is taken up by the next sample", () => {
    const scene = new Scene().begin().speak(1).final("One.", 0, RATE);
    scene.say("session_ended", { reason: "idle", audio_ms: 1_000, segments: 1, words: 1 });
    scene.socket.drop(4408);
    vi.advanceTimersByTime(600_000);
    expect(scene.sockets.all).toHaveLength(1);
    scene.speak(0.1);
    scene.accept();
    expect(scene.tenths).toEqual([10]);
    expect(scene.events("resumed")).toMatchObject([{ lastedMs: 0 }]);
  });

  test("an operator's end is an end in order", () => {
    const scene = new Scene().begin().speak(1).final("One.", 0, RATE);
    const ended = { reason: "ended_by_operator", audio_ms: 1_000, segments: 1, words: 1 };
    scene.say("session_ended", ended);
    scene.socket.drop(1000);
    expect(scene.events("ended")).toMatchObject([{ reason: "ended_by_operator" }]);
    expect(scene.events("problem")).toEqual([]);
  });

  test("the network's return cuts the waiting short", () => {
    const network = new EventTarget();
    vi.stubGlobal("addEventListener", network.addEventListener.bind(network));
    const removed = vi.fn();
    vi.stubGlobal("removeEventListener", removed);
    const scene = new Scene().begin();
    scene.socket.drop();
    network.dispatchEvent(new Event("online"));
    expect(scene.sockets.all).toHaveLength(2);
    expect(removed).not.toHaveBeenCalled();
    scene.client.close();
    expect(removed).toHaveBeenCalledWith("online", expect.any(Function));
  });
});

describe("stopping", () => {
  const ENDED = { reason: "stopped", audio_ms: 0, segments: 0, words: 0 };

  test("overtakes no audio, and resolves with all sessions together", async () => {
    const scene = new Scene().begin().speak(1).final("One two.", 0, RATE);
    scene.socket.drop();
    vi.advanceTimersByTime(125);
    scene.accept().speak(1);
    const stopped = scene.client.stop();
    expect(scene.socket.sent.at(-1)).toBe('{"message_type":"stop"}');
    scene.final("Three.", 0, RATE, "client").say("session_ended", ENDED);
    const summary = { reason: "stopped", audioMs: 2_000, segments: 2, words: 3 };
    expect(await stopped).toEqual(summary);
    expect(scene.events("ended")).toEqual([summary]);
    expect(scene.socket.closedWith).toEqual({ code: 1000 });
    expect(vi.getTimerCount()).toBe(0);
  });

  test("mends a broken line first", async () => {
    const scene = new Scene().begin().speak(1);
    scene.socket.drop();
    const stopped = scene.client.stop();
    scene.accept();
    expect(scene.tenths).toEqual(tenths(0, 10));
    expect(scene.steering).toEqual(["stop"]);
    scene.say("session_ended", ENDED);
    expect(await stopped).toMatchObject({ reason: "stopped" });
  });

  test("is sent again where the line breaks after it", () => {
    const scene = new Scene().begin().speak(1);
    void scene.client.stop();
    scene.socket.drop();
    vi.advanceTimersByTime(125);
    scene.socket.open();
    expect(scene.steering).toEqual(["stop"]);
  });

  test("needs no line where everything has its final", async () => {
    const scene = new Scene().begin().speak(1);
    const stopped = scene.client.stop();
    scene.final("One.", 0, RATE, "client");
    scene.socket.drop();
    expect(await stopped).toMatchObject({ reason: "stopped", segments: 1 });
    expect(scene.sockets.all).toHaveLength(1);
  });

  test("gives up after a time that grows with what is missing", async () => {
    const scene = new Scene().begin().speak(3).final("One.", 0, RATE);
    const stopped = scene.client.stop();
    scene.say("something_new");
    vi.advanceTimersByTime(21_999);
    expect(scene.client.state).toBe("live");
    vi.advanceTimersByTime(1);
    expect(await stopped).toBeNull();
    expect(scene.events("gap")).toMatchObject([{ startSeconds: 1, endSeconds: 3 }]);
    expect(scene.events("problem")).toMatchObject([{ kind: "relay_away", isFinal: true }]);
  });

  test("waits in the provider's queue like everything else", () => {
    const scene = new Scene().begin().speak(1);
    void scene.client.stop();
    for (let time = 0; time < 20; time += 1) {
      vi.advanceTimersByTime(5_000);
      scene.say("queued", { position: 3, estimated_wait_ms: 60_000 });
    }
    expect(scene.client.state).toBe("live");
  });

  test("takes no more audio", () => {
    const scene = new Scene().begin();
    void scene.client.stop();
    scene.speak(1);
    expect(scene.client.capturedSeconds).toBe(0);
  });

  test("before anything was said, it just ends", async () => {
    const scene = new Scene();
    scene.client.connect();
    expect(await scene.client.stop()).toMatchObject({ segments: 0 });
    expect(scene.client.state).toBe("ended");
  });
});

describe("closing", () => {
  test("is at once, leaves nothing behind, and is no problem", async () => {
    const scene = new Scene().begin().speak(1);
    const stopped = scene.client.stop();
    scene.client.close();
    expect(await stopped).toBeNull();
    expect(scene.socket.closedWith).toEqual({ code: 1000 });
    expect(scene.socket.onmessage).toBeNull();
    expect(vi.getTimerCount()).toBe(0);
    expect(scene.events("problem")).toEqual([]);
    expect(scene.events("ended")).toEqual([null]);
  });

  test("aborting closes", () => {
    const abort = new AbortController();
    const scene = new Scene({ signal: abort.signal }).begin();
    abort.abort();
    expect(scene.client.state).toBe("ended");
  });

  test("what was aborted before it began doesn't connect", () => {
    const scene = new Scene({ signal: AbortSignal.abort() });
    scene.client.connect();
    expect(scene.sockets.all).toEqual([]);
  });

  test("nothing is told after the end, even where a listener ended it", () => {
    const scene = new Scene().begin();
    scene.client.on("state", (state) => state === "reconnecting" && scene.client.close());
    scene.socket.drop();
    expect(scene.events("reconnecting")).toEqual([]);
    expect(vi.getTimerCount()).toBe(0);
  });
});
