import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { Microphone } from "../audio/Microphone";
import { RelayClient } from "../client/RelayClient";
import { FakeBrowser } from "../test/FakeAudio";
import { FakeWebSockets } from "../test/FakeWebSocket";
import { segmentsOf } from "../transcript/Transcript";
import { PATIENCE_MS, Recording } from "./Recording";
import type { RecordingOptions } from "./RecordingOptions";
import { isConnected, isRecording } from "./RecordingSnapshot";

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Real parts on a fake browser and fake sockets. */
function prepare(options: RecordingOptions = {}, browser = new FakeBrowser()) {
  const sockets = new FakeWebSockets();
  const recording = new Recording(
    { url: "http://relay.test", ...options },
    {
      microphone: (chosen) => new Microphone(chosen, browser.asBrowser()),
      client: (chosen) =>
        new RelayClient({ ...chosen, createSocket: sockets.create, random: () => 0 }),
    },
  );
  const problems: string[] = [];
  recording.on("problem", ({ kind }) => problems.push(kind));
  return { recording, browser, sockets, problems };
}

type Prepared = ReturnType<typeof prepare>;

async function started(options: RecordingOptions = {}): Promise<Prepared> {
  const prepared = prepare(options);
  await prepared.recording.start();
  admit(prepared);
  return prepared;
}

/** Let the relay take the newest connection. */
function admit({ sockets }: Prepared): void {
  sockets.last.open();
  say(sockets, "session_started", {
    session_id: "0".repeat(32),
    config: {},
    limits: { minutes_left: 12, max_session_seconds: null },
  });
}

let seq = 0;

function say(sockets: FakeWebSockets, message_type: string, fields: object = {}): void {
  sockets.last.receive({ message_type, seq: seq++, ...fields });
}

function commit(
  sockets: FakeWebSockets,
  segment: number,
  end_sample: number,
  text = "words",
): void {
  say(sockets, "committed_transcript", { text, segment, end_sample, cause: "vad" });
}

/** Sound and time go on together, in messages of 50 ms. */
async function hear({ browser }: Prepared, ms: number, loudness = 0.1): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    browser.context.hear(new Float32Array(browser.context.sampleRate / 20).fill(loudness));
    await vi.advanceTimersByTimeAsync(50);
  }
}

/** Stop, with a relay that answers. */
async function stop({ recording, sockets }: Prepared): Promise<void> {
  const stopped = recording.stop();
  await vi.advanceTimersByTimeAsync(500);
  say(sockets, "session_ended", { reason: "stopped", audio_ms: 0, segments: 0, words: 0 });
  await stopped;
}

const texts = ({ recording }: Prepared) =>
  segmentsOf(recording.snapshot().transcript).map(({ text }) => text);

describe("starting", () => {
  test("keeps what is said until the socket is open, and sends it first", async () => {
    const prepared = prepare();
    await prepared.recording.start();
    await hear(prepared, 200, 0.25);
    expect(prepared.recording.snapshot().state).toBe("connecting");
    admit(prepared);
    expect(prepared.sockets.last.samples).toHaveLength(48_000 / 5);
    expect(new Set(prepared.sockets.last.samples)).toEqual(new Set([0.25]));
    expect(prepared.recording.snapshot()).toMatchObject({ state: "live", minutesLeft: 12 });
  });

  test("announces the device's own rate", async () => {
    const { sockets } = await started();
    expect(sockets.last.query.get("sample_rate")).toBe("48000");
  });

  test("announces another rate if it is told to, and corrects it before the first samples", async () => {
    const prepared = await started({ sampleRate: 16_000 });
    await hear(prepared, 50);
    expect(prepared.sockets.last.query.get("sample_rate")).toBe("16000");
    expect(prepared.sockets.last.texts).toEqual([{ message_type: "format", sample_rate: 48_000 }]);
  });

  test("twice opens one microphone and one connection", async () => {
    const prepared = prepare();
    await Promise.all([prepared.recording.start(), prepared.recording.start()]);
    expect(prepared.sockets.all).toHaveLength(1);
  });

  test("without a microphone says so, and connects to nobody", async () => {
    const browser = new FakeBrowser();
    browser.isSecureContext = false;
    const prepared = prepare({}, browser);
    await prepared.recording.start();
    expect(prepared.recording.snapshot()).toMatchObject({
      state: "idle",
      problem: { kind: "insecure_origin", isFinal: true },
    });
    expect(prepared.sockets.all).toHaveLength(0);
  });

  test("again goes on behind what was said before", async () => {
    const prepared = await started();
    await hear(prepared, 1_000);
    commit(prepared.sockets, 0, 48_000, "first");
    await stop(prepared);
    await prepared.recording.start();
    admit(prepared);
    await hear(prepared, 1_000);
    commit(prepared.sockets, 0, 48_000, "second");
    const [, second] = segmentsOf(prepared.recording.snapshot().transcript);
    expect(texts(prepared)).toEqual(["first", "second"]);
    expect(second).toMatchObject({ index: 1, startSeconds: 1, endSeconds: 2 });
    expect(prepared.recording.capturedSeconds).toBeCloseTo(2);
  });

  test("after `clear` begins at zero", async () => {
    const prepared = await started();
    await hear(prepared, 1_000);
    commit(prepared.sockets, 0, 48_000);
    prepared.recording.clear();
    expect(texts(prepared)).toHaveLength(1); // not while recording
    await stop(prepared);
    prepared.recording.clear();
    expect(prepared.recording.snapshot().statistics.words).toBe(0);
    expect(prepared.recording.capturedSeconds).toBe(0);
  });
});

describe("stopping", () => {
  test("sends the tail, then waits for the last words", async () => {
    const prepared = await started();
    await hear(prepared, 100);
    prepared.browser.context.hear(new Float32Array(500).fill(0.5));
    const stopped = prepared.recording.stop();
    await vi.advanceTimersByTimeAsync(300);
    expect(prepared.sockets.last.samples).toHaveLength(48_000 / 10 + 500);
    expect(prepared.sockets.last.texts.at(-1)).toEqual({ message_type: "stop" });
    expect(prepared.recording.snapshot().state).toBe("stopping");
    commit(prepared.sockets, 0, 5_300, "last words");
    say(prepared.sockets, "session_ended", {
      reason: "stopped",
      audio_ms: 1,
      segments: 1,
      words: 2,
    });
    await stopped;
    expect(texts(prepared)).toEqual(["last words"]);
    expect(prepared.recording.snapshot().state).toBe("idle");
  });

  test("while it starts leaves nothing behind", async () => {
    const prepared = prepare();
    const starting = prepared.recording.start();
    await prepared.recording.stop();
    await starting;
    expect(prepared.recording.snapshot()).toMatchObject({ state: "idle", problem: null });
    expect(prepared.sockets.all).toHaveLength(0);
    expect(prepared.browser.leftovers.liveTracks).toBe(0);
  });

  test("by closing leaves no microphone and no connection, whenever it is", async () => {
    const prepared = await started();
    await hear(prepared, 100);
    prepared.recording.close();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(prepared.sockets.last.closedWith).toEqual({ code: 1000 });
    expect(prepared.browser.leftovers).toMatchObject({ liveTracks: 0, openContexts: 0 });
    expect(prepared.recording.snapshot().state).toBe("idle");
  });
});

describe("what goes wrong", () => {
  test("a break is told only once it lasts, and forgotten when it is over", async () => {
    const prepared = await started();
    await hear(prepared, 100);
    prepared.sockets.last.drop();
    await hear(prepared, PATIENCE_MS - 500);
    expect(prepared.recording.snapshot()).toMatchObject({ state: "reconnecting", problem: null });
    await hear(prepared, 1_000);
    expect(prepared.recording.snapshot().problem).toMatchObject({
      kind: "relay_away",
      isFinal: false,
    });
    admit(prepared);
    expect(prepared.recording.snapshot().problem).toBeNull();
    expect(isConnected(prepared.recording.snapshot())).toBe(true);
    expect(prepared.recording.snapshot().transcript.entries).toMatchObject([
      { kind: "break", break_: { missingSeconds: 0 } },
    ]);
  });

  test("a refusal ends the recording, and stays on the screen", async () => {
    const prepared = await started();
    say(prepared.sockets, "unauthorized", { error: "Signed out.", retryable: false });
    prepared.sockets.last.drop(4401);
    await vi.advanceTimersByTimeAsync(100);
    expect(prepared.recording.snapshot()).toMatchObject({
      state: "idle",
      problem: { kind: "not_signed_in", isFinal: true, detail: "Signed out." },
    });
    expect(prepared.problems).toEqual(["not_signed_in"]);
    expect(prepared.browser.leftovers.liveTracks).toBe(0);
  });

  test("a silent microphone is told, and no longer once something is heard", async () => {
    const prepared = await started();
    await hear(prepared, 6_000, 0);
    expect(prepared.recording.snapshot().problem?.kind).toBe("silent_microphone");
    await hear(prepared, 100, 0.2);
    expect(prepared.recording.snapshot().problem).toBeNull();
  });

  test("what is dismissed is gone, and the recording goes on", async () => {
    const prepared = await started();
    await hear(prepared, 6_000, 0);
    prepared.recording.dismiss();
    expect(prepared.recording.snapshot().problem).toBeNull();
    expect(isRecording(prepared.recording.snapshot())).toBe(true);
  });
});

test("muted, nothing goes out; the relay is told before and after", async () => {
  const prepared = await started();
  await hear(prepared, 100);
  prepared.recording.mute();
  await hear(prepared, 500);
  prepared.recording.unmute();
  await hear(prepared, 100);
  expect(prepared.sockets.last.samples).toHaveLength(48_000 / 5);
  expect(prepared.sockets.last.texts).toEqual([
    { message_type: "mute" },
    { message_type: "unmute" },
  ]);
});

test("a timed segment gets its words, and is no other segment", async () => {
  const prepared = await started();
  await hear(prepared, 1_000);
  commit(prepared.sockets, 0, 48_000, "hello");
  const words = [{ text: "hello", start: 0.1, end: 0.5, type: "word" }];
  const timed = { text: "hello", segment: 0, end_sample: 48_000, cause: "vad", words };
  say(prepared.sockets, "committed_transcript_with_timestamps", { ...timed, language_code: "en" });
  expect(segmentsOf(prepared.recording.snapshot().transcript)).toMatchObject([
    { text: "hello", words, languageCode: "en" },
  ]);
  expect(prepared.recording.snapshot().statistics).toMatchObject({ segments: 1, words: 1 });
});

test("a screen that forgets hears segments, and collects none", async () => {
  const prepared = await started({ keepsTranscript: false });
  const heard: string[] = [];
  prepared.recording.on("segment", ({ text }) => heard.push(text));
  await hear(prepared, 1_000);
  commit(prepared.sockets, 0, 48_000, "hello");
  expect(heard).toEqual(["hello"]);
  expect(texts(prepared)).toEqual([]);
});

test("its snapshot is the same object until something changes", async () => {
  const { recording } = await started();
  expect(recording.snapshot()).toBe(recording.snapshot());
});
