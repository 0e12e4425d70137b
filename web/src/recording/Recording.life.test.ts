import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { Problem } from "../client/problems";
import type { Segment } from "../client/types";
import { builtIn } from "../test/FakeAudio";
import { FakePage, NOTHING_LEFT } from "../test/FakePage";
import { segmentsOf } from "../transcript/Transcript";
import { PATIENCE_MS, QUEUE_SILENCE_MS, Recording } from "./Recording";
import type { RecordingOptions } from "./RecordingOptions";
import type { RecordingState } from "./RecordingSnapshot";

const RELAY = { url: "https://relay.example.org" };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A recording on a page, and what it told. */
class Scene {
  readonly page = new FakePage();
  readonly recording: Recording;
  readonly states: RecordingState[] = [];
  readonly segments: Segment[] = [];
  readonly problems: Problem[] = [];

  constructor(options: RecordingOptions = {}) {
    this.recording = new Recording({ ...RELAY, ...options });
    this.recording.subscribe(() => {
      const { state } = this.now;
      if (state !== this.states.at(-1)) this.states.push(state);
    });
    this.recording.on("segment", (segment) => void this.segments.push(segment));
    this.recording.on("problem", (problem) => void this.problems.push(problem));
  }

  get now() {
    return this.recording.snapshot();
  }

  get texts(): string[] {
    return segmentsOf(this.now.transcript).map(({ text }) => text);
  }

  /** What the last socket was told beside audio, by type. */
  get steering(): string[] {
    return this.page.socket.texts.map(({ message_type }) => message_type);
  }

  /** Recording, and connected. */
  async begin(): Promise<this> {
    await this.recording.start();
    this.page.accept();
    return this;
  }

  /** Stop, with the relay's answer. */
  async stop(): Promise<void> {
    const stopped = this.recording.stop();
    await this.page.pass();
    this.page.finish();
    await stopped;
  }
}

const begun = (options: RecordingOptions = {}) => new Scene(options).begin();

describe("starting", () => {
  test("goes from the microphone over the connection to live", async () => {
    const scene = new Scene();
    await scene.recording.start();
    await scene.page.hear(50);
    scene.page.accept();
    expect(scene.states).toEqual(["starting", "connecting", "live"]);
    expect(scene.now.applied?.label).toBe("Built-in");
  });

  test("isn't live before the microphone gives sound", async () => {
    const scene = await begun();
    await scene.page.pass(1_000);
    expect(scene.states).toEqual(["starting"]);
    await scene.page.hear(50);
    expect(scene.states).toEqual(["starting", "live"]);
  });

  test("waits for the sound of each start's own microphone", async () => {
    const scene = await begun();
    await scene.page.hear(50);
    await scene.stop();
    await scene.begin();
    expect(scene.now.state).toBe("starting");
  });

  test("while it starts, records or stops does nothing", async () => {
    const scene = new Scene();
    void scene.recording.start();
    void scene.recording.start();
    await scene.page.pass();
    scene.page.accept();
    await scene.page.hear(50);
    await scene.recording.start();
    const stopped = scene.recording.stop();
    await scene.recording.start();
    scene.page.finish();
    await stopped;
    expect(scene.page.browser.contexts).toHaveLength(1);
    expect(scene.page.leftovers).toEqual(NOTHING_LEFT);
  });

  test("takes options that were set since, and leaves defaults where they are undefined", async () => {
    const { recording, page } = new Scene();
    recording.configure({ ...RELAY, languageCode: "ru", includeTimestamps: undefined });
    await recording.start();
    expect(page.socket.query.get("language_code")).toBe("ru");
    expect(page.socket.query.get("include_timestamps")).toBe("true");
  });

  test("forgets the problem of the start before", async () => {
    const scene = new Scene();
    scene.page.browser.mediaDevices.refuse("NotAllowedError");
    await scene.recording.start();
    expect(scene.now.problem?.kind).toBe("microphone_denied");
    await scene.begin();
    expect(scene.now.problem).toBeNull();
  });
});

describe("starting again", () => {
  test("goes on on the same timeline, behind the same segments", async () => {
    const scene = await begun();
    await scene.page.hear(2_000);
    scene.page.final("one", 0, 1);
    scene.page.final("two", 1, 2);
    await scene.stop();
    await scene.begin();
    await scene.page.hear(3_000);
    scene.page.final("three", 0, 1.5);
    scene.page.timed("three", 0, 1.5);
    expect(scene.segments.map(({ index }) => index)).toEqual([0, 1, 2]);
    expect(scene.segments.at(-1)).toMatchObject({ startSeconds: 2, endSeconds: 3.5 });
    const timed = segmentsOf(scene.now.transcript).at(-1);
    expect(timed).toMatchObject({ endSeconds: 3.5, words: [{ start: 3, end: 3.5 }] });
    expect(scene.texts).toEqual(["one", "two", "three"]);
    expect(scene.now.statistics).toMatchObject({ words: 3, segments: 3, durationSeconds: 3.5 });
    expect(scene.recording.capturedSeconds).toBe(5);
  });

  test("what is missing in it stands on the same timeline", async () => {
    const scene = await begun();
    await scene.page.hear(1_000);
    await scene.stop();
    await scene.begin();
    await scene.page.hear(1_000);
    scene.page.socket.drop(4502);
    const gaps = scene.now.transcript.entries.filter(({ kind }) => kind === "gap");
    expect(gaps).toMatchObject([{ gap: { startSeconds: 1, endSeconds: 2 } }]);
  });

  test("a line that is mended in it stands on the same timeline", async () => {
    const scene = await begun();
    await scene.page.hear(1_000);
    await scene.stop();
    await scene.begin();
    scene.page.socket.drop();
    await scene.page.hear(500);
    scene.page.accept();
    const breaks = scene.now.transcript.entries.filter(({ kind }) => kind === "break");
    expect(breaks).toMatchObject([{ break_: { atSeconds: 1.5 } }]);
  });

  test("after clear, everything counts from zero", async () => {
    const scene = await begun();
    await scene.page.hear(1_000);
    scene.page.final("one", 0, 1);
    await scene.stop();
    scene.recording.clear();
    await scene.begin();
    await scene.stop(); // without a word
    await scene.begin();
    await scene.page.hear(500);
    scene.page.final("again", 0, 0.5);
    expect(scene.segments.at(-1)).toMatchObject({ index: 0, startSeconds: 0, endSeconds: 0.5 });
  });
});

describe("stopping", () => {
  test("twice stops once, and both wait for the last words", async () => {
    const scene = await begun();
    await scene.page.hear(100);
    const resolved: number[] = [];
    void scene.recording.stop().then(() => resolved.push(1));
    void scene.recording.stop().then(() => resolved.push(2));
    await scene.page.pass();
    expect(resolved).toEqual([]);
    scene.page.finish();
    await scene.page.pass();
    expect(resolved).toEqual([1, 2]);
    expect(scene.steering).toEqual(["stop"]);
    expect(scene.page.leftovers).toEqual(NOTHING_LEFT);
  });

  test("while somebody is asked for the microphone lets go of it when it comes", async () => {
    const scene = new Scene();
    const { recording, page } = scene;
    let allow: () => void = () => undefined;
    page.browser.mediaDevices.answers.push(
      () => new Promise((resolve) => (allow = () => resolve(builtIn()))),
    );
    const starting = recording.start();
    await page.pass();
    await recording.stop();
    allow();
    await starting;
    await page.pass();
    expect(scene.states).toEqual(["starting", "idle"]);
    expect(scene.now.problem).toBeNull();
    expect(page.sockets.all).toEqual([]);
    expect(page.leftovers).toEqual(NOTHING_LEFT);
  });

  test("with a relay that doesn't answer ends by itself, and says what is missing", async () => {
    const scene = await begun();
    await scene.page.hear(1_000);
    void scene.recording.stop();
    await scene.page.pass(30_000);
    expect(scene.now).toMatchObject({
      state: "idle",
      problem: { kind: "relay_away", isFinal: true },
      transcript: { entries: [{ kind: "gap" }] },
    });
    expect(scene.page.leftovers).toEqual(NOTHING_LEFT);
  });
});

describe("closing", () => {
  const reached: Record<string, (scene: Scene) => Promise<unknown>> = {
    idle: () => Promise.resolve(),
    starting: async ({ recording, page }) => {
      page.browser.mediaDevices.answers.push(() => new Promise(() => undefined));
      void recording.start();
      await page.pass();
    },
    connecting: async ({ recording, page }) => {
      await recording.start();
      await page.hear(50);
    },
    live: async (scene) => {
      await scene.begin();
      await scene.page.hear(50);
    },
    reconnecting: async (scene) => {
      await scene.begin();
      await scene.page.hear(100);
      scene.page.socket.drop();
    },
    resumed: async (scene) => {
      await scene.begin();
      scene.page.socket.drop();
      await scene.page.hear(500);
      scene.page.accept();
    },
    stopping: async (scene) => {
      await scene.begin();
      await scene.page.hear(100);
      void scene.recording.stop();
      await scene.page.pass();
    },
  };

  test.each(Object.keys(reached))("when it is %s leaves nothing alive", async (state) => {
    const scene = new Scene();
    await reached[state]?.(scene);
    expect(scene.now.state).toBe(state);
    scene.recording.close();
    expect(scene.now.state).toBe("idle");
    await scene.page.pass();
    expect(scene.page.leftovers).toEqual(NOTHING_LEFT);
    expect(scene.now.problem).toBeNull();
  });

  test("in the queue leaves nothing alive", async () => {
    const scene = await begun();
    scene.page.say("queued", { position: 2, estimated_wait_ms: null });
    scene.recording.close();
    await scene.page.pass();
    expect(scene.page.leftovers).toEqual(NOTHING_LEFT);
  });

  test("takes the open segment away", async () => {
    const scene = await begun();
    scene.page.say("partial_transcript", { text: "half a" });
    expect(scene.now.transcript.partial).toBe("half a");
    scene.recording.close();
    expect(scene.now.transcript.partial).toBe("");
  });

  test("keeps the microphone's tail out of the next start", async () => {
    const scene = await begun();
    await scene.page.hear(1_000);
    scene.page.browser.context.hear(new Float32Array(100)); // too little for a message
    scene.recording.close();
    await scene.page.pass();
    expect(scene.recording.capturedSeconds).toBe(1);
    scene.recording.configure({ ...RELAY, languageCode: "ru" });
    await scene.begin();
    expect(scene.page.socket.query.get("language_code")).toBe("ru");
    expect(scene.page.sentSeconds).toBe(0);
  });

  test("lets a stop that was under way stop nothing that was started since", async () => {
    const scene = await begun();
    await scene.page.hear(100);
    scene.page.browser.context.isDeaf = true; // the tail takes its time
    const stopped = scene.recording.stop();
    scene.recording.close();
    await scene.begin();
    await scene.page.hear(1_000);
    await stopped;
    expect(scene.now.state).toBe("live");
    expect(scene.steering).toEqual([]);
  });
});

test("a listener that starts again when a session fails keeps its new session", async () => {
  const scene = await begun();
  const stopListening = scene.recording.on("problem", () => {
    stopListening();
    void scene.recording.start();
  });
  scene.page.socket.drop(4409);
  await scene.page.pass();
  scene.page.accept();
  await scene.page.hear(50);
  expect(scene.page.sockets.all).toHaveLength(2);
  expect(scene.now.state).toBe("live");
});

describe("a problem", () => {
  test.each([
    ["NotAllowedError", "microphone_denied"],
    ["NotFoundError", "no_microphone"],
    ["NotReadableError", "microphone_busy"],
  ])("of a microphone that is refused by %s is %s", async (name, kind) => {
    const scene = new Scene();
    scene.page.browser.mediaDevices.refuse(name);
    await scene.recording.start();
    expect(scene.problems).toMatchObject([{ kind, isFinal: true }]);
    expect(scene.now).toMatchObject({ state: "idle", problem: { kind } });
    expect(scene.page.leftovers).toEqual(NOTHING_LEFT);
  });

  test("of options that can't be right is an invalid request", async () => {
    const scene = new Scene({ sampleRate: 1 });
    await scene.recording.start();
    expect(scene.problems).toMatchObject([{ kind: "invalid_request", isFinal: true }]);
    await scene.page.pass();
    expect(scene.page.leftovers).toEqual(NOTHING_LEFT);
  });

  test.each([
    [4401, "not_signed_in"],
    [4403, "not_allowed"],
    [4409, "taken_over"],
    [4502, "provider_refused"],
  ])("of a session that was closed with %i is %s, and told once", async (code, kind) => {
    const scene = await begun();
    await scene.page.hear(100);
    scene.page.socket.drop(code);
    await scene.page.pass();
    expect(scene.now).toMatchObject({ state: "idle", problem: { kind, isFinal: true } });
    expect(scene.problems).toHaveLength(1);
    expect(scene.page.leftovers).toEqual(NOTHING_LEFT);
  });

  test("of silence isn't solved by the noise of the device", async () => {
    const scene = await begun();
    await scene.page.hear(6_000, 0);
    await scene.page.hear(50, 0.0001);
    expect(scene.now.problem?.kind).toBe("silent_microphone");
    await scene.page.hear(50);
    expect(scene.now.problem).toBeNull();
  });

  test("of a browser that wants a gesture is solved in one", async () => {
    const { recording, page } = new Scene();
    page.browser.letsContextsRun = false;
    await recording.start();
    await page.pass(3_000);
    expect(recording.snapshot().problem?.kind).toBe("audio_blocked");
    page.browser.letsContextsRun = true;
    await recording.resume();
    await page.hear(50);
    expect(recording.snapshot().problem).toBeNull();
  });

  test("of a microphone that was unplugged is solved by the next one", async () => {
    const scene = await begun();
    await scene.page.hear(50);
    scene.page.browser.mediaDevices.refuse("NotFoundError");
    scene.page.browser.track.unplug();
    await scene.page.pass();
    expect(scene.now.problem).toMatchObject({ kind: "microphone_lost", isFinal: false });
    scene.page.browser.mediaDevices.fire("devicechange");
    await scene.page.pass();
    expect(scene.now).toMatchObject({ state: "live", problem: null });
  });

  test("of the recording that was is over with it", async () => {
    const scene = await begun();
    await scene.page.hear(6_000, 0);
    await scene.stop();
    expect(scene.now.problem).toBeNull();
  });

  test("is dismissed together with what the relay hints at", async () => {
    const scene = await begun();
    scene.page.say("warning", { code: "minutes_low", text: "Five minutes are left." });
    expect(scene.now.warning?.code).toBe("minutes_low");
    scene.page.socket.drop(4409);
    scene.recording.dismiss();
    expect(scene.now).toMatchObject({ problem: null, warning: null });
  });
});

describe("a microphone that is gone for good", () => {
  async function gone(): Promise<Scene> {
    const scene = await begun();
    await scene.page.hear(1_000);
    scene.page.browser.mediaDevices.refuse("NotAllowedError");
    scene.page.browser.track.unplug();
    await scene.page.pass();
    return scene;
  }

  test("still gets its last words", async () => {
    const scene = await gone();
    expect(scene.now.state).toBe("stopping");
    expect(scene.steering).toEqual(["stop"]);
    scene.page.final("last words", 0, 1);
    scene.page.finish();
    await scene.page.pass();
    expect(scene.texts).toEqual(["last words"]);
    expect(scene.now).toMatchObject({ state: "idle", problem: { kind: "microphone_denied" } });
    expect(scene.page.leftovers).toEqual(NOTHING_LEFT);
  });

  test("is told once", async () => {
    const scene = await gone();
    scene.page.finish();
    await scene.page.pass();
    const kinds = scene.problems.map(({ kind }) => kind);
    expect(kinds).toEqual(["microphone_lost", "microphone_denied"]);
  });

  test("is what stays of it, whatever else was wrong meanwhile", async () => {
    const scene = await gone();
    scene.page.socket.drop();
    await scene.page.pass(PATIENCE_MS);
    expect(scene.now.problem?.kind).toBe("relay_away");
    scene.page.accept();
    scene.page.finish();
    await scene.page.pass();
    expect(scene.now.problem?.kind).toBe("microphone_denied");
  });
});

describe("a relay that is away", () => {
  test("is told of to the millisecond, and once", async () => {
    const scene = await begun();
    scene.page.socket.drop();
    await scene.page.hear(PATIENCE_MS - 50);
    await scene.page.pass(49);
    expect(scene.problems).toEqual([]);
    await scene.page.pass(1);
    expect(scene.problems).toMatchObject([{ kind: "relay_away", isFinal: false }]);
    await scene.page.hear(10_000);
    expect(scene.problems).toHaveLength(1);
  });

  test("isn't told of where it is back in time", async () => {
    const scene = await begun();
    scene.page.socket.drop();
    await scene.page.hear(1_000);
    scene.page.accept();
    await scene.page.hear(PATIENCE_MS);
    expect(scene.problems).toEqual([]);
  });

  test("is told of at the first connect too", async () => {
    const scene = new Scene();
    await scene.recording.start();
    await scene.page.hear(PATIENCE_MS);
    expect(scene.now).toMatchObject({ state: "connecting", problem: { kind: "relay_away" } });
    scene.page.accept();
    expect(scene.now).toMatchObject({ state: "live", problem: null });
  });

  test("for want of the provider is told of as that, and solved when that is back", async () => {
    const scene = await begun();
    scene.page.say("upstream_unavailable", { error: "Gone.", retryable: true });
    scene.page.socket.drop(4503);
    await scene.page.hear(PATIENCE_MS);
    expect(scene.now.problem).toMatchObject({ kind: "provider_away", detail: "Gone." });
    scene.page.accept();
    expect(scene.now.problem).toBeNull();
  });

  test("has no reason of an outage that is over", async () => {
    const scene = await begun();
    scene.page.say("upstream_unavailable", { error: "Gone.", retryable: true });
    scene.page.socket.drop(4503);
    await scene.page.hear(500);
    scene.page.accept();
    scene.page.say("moving", { after_ms: 0 });
    await scene.page.hear(PATIENCE_MS);
    expect(scene.now.problem?.kind).toBe("relay_away");
  });

  test("for a limit is told of at once, and as nothing else later", async () => {
    const scene = new Scene();
    await scene.recording.start();
    scene.page.socket.open();
    const refusal = { error: "Two.", retryable: true, retry_after_ms: 10_000 };
    scene.page.say("too_many_sessions", refusal);
    scene.page.socket.drop(4429);
    expect(scene.problems).toMatchObject([{ kind: "limit_reached", isFinal: false }]);
    await scene.page.hear(PATIENCE_MS);
    expect(scene.problems).toHaveLength(1);
    await scene.page.hear(10_000);
    scene.page.accept();
    expect(scene.now.problem).toBeNull();
  });

  test("costs no segment and doubles none", async () => {
    const scene = await begun();
    await scene.page.hear(1_000);
    scene.page.final("one", 0, 0.5);
    scene.page.socket.drop();
    await scene.page.pass(500);
    scene.page.accept();
    expect(scene.page.sentSeconds).toBe(0.5);
    scene.page.final("two", 0, 0.5);
    scene.page.timed("two", 0, 0.5);
    expect(scene.texts).toEqual(["one", "two"]);
    expect(scene.now.statistics.segments).toBe(2);
  });
});

describe("waiting in the queue", () => {
  const place = (position: number) => ({ position, estimated_wait_ms: 9_000 });

  test("is over when words come", async () => {
    const scene = await begun();
    scene.page.say("queued", place(2));
    scene.page.say("queued", place(1));
    expect(scene.now.queue).toEqual({ position: 1, estimatedWaitMs: 9_000 });
    scene.page.say("partial_transcript", { text: "at last" });
    expect(scene.now.queue).toBeNull();
  });

  test("is over when it isn't told of any more, though nobody speaks", async () => {
    const scene = await begun();
    scene.page.say("queued", place(1));
    await scene.page.hear(5_000);
    scene.page.say("queued", place(1));
    await scene.page.hear(QUEUE_SILENCE_MS - 50);
    expect(scene.now.queue).not.toBeNull();
    await scene.page.hear(50);
    expect(scene.now.queue).toBeNull();
  });

  test("is over when the line breaks", async () => {
    const scene = await begun();
    scene.page.say("queued", place(1));
    scene.page.socket.drop();
    expect(scene.now.queue).toBeNull();
  });
});

describe("muting", () => {
  test("stands between what was said before and after it", async () => {
    const scene = await begun();
    await scene.page.hear(100);
    scene.recording.mute();
    await scene.page.hear(500);
    scene.recording.unmute();
    await scene.page.hear(50);
    const { sent } = scene.page.socket;
    const order = sent.map((message) => (typeof message === "string" ? message : "audio"));
    expect(order).toEqual([
      ...["audio", "audio"],
      ...[`{"message_type":"mute"}`, `{"message_type":"unmute"}`],
      "audio",
    ]);
  });

  test("before the connection is told when there is one", async () => {
    const { recording, page } = new Scene();
    await recording.start();
    await page.hear(50);
    recording.mute();
    page.accept();
    expect(page.socket.texts).toEqual([{ message_type: "mute" }]);
  });

  test("ends with the recording", async () => {
    const scene = await begun();
    scene.recording.mute();
    await scene.stop();
    expect(scene.now.isMuted).toBe(false);
    await scene.begin();
    await scene.page.hear(50);
    expect(scene.page.sentSeconds).toBe(0.05);
  });

  test("is nothing where nothing is recorded", () => {
    const scene = new Scene();
    scene.recording.mute();
    expect(scene.now.isMuted).toBe(false);
  });
});

test("a commit goes out behind what was said", async () => {
  const scene = await begun({ commitStrategy: "manual" });
  expect(scene.page.socket.query.get("commit_strategy")).toBe("manual");
  await scene.page.hear(50);
  scene.recording.commit();
  expect(scene.page.socket.sent.at(-1)).toBe(`{"message_type":"commit"}`);
});

describe("another microphone", () => {
  test("is asked for at once", async () => {
    const scene = await begun({ microphone: { messageMs: 50, echoCancellation: true } });
    await scene.page.hear(50);
    await scene.recording.useMicrophone({ deviceId: "headset" });
    expect(scene.page.browser.mediaDevices.asked.at(-1)?.audio).toMatchObject({
      deviceId: { ideal: "headset" },
      echoCancellation: true,
    });
    expect(scene.now.state).toBe("live");
  });

  test("that can't be had is told of, and the old one goes on", async () => {
    const scene = await begun();
    scene.page.browser.mediaDevices.refuse("NotReadableError");
    await scene.recording.useMicrophone({ deviceId: "headset" });
    expect(scene.now.problem).toMatchObject({ kind: "microphone_busy", isFinal: false });
    scene.page.browser.contexts[0]?.hear(new Float32Array(400));
    expect(scene.page.sentSeconds).toBe(0.05);
  });

  test("that a stop came before is no problem", async () => {
    const scene = await begun();
    scene.page.browser.mediaDevices.answers.push(() => new Promise(() => undefined));
    const using = scene.recording.useMicrophone({ deviceId: "headset" });
    await scene.page.pass();
    await scene.stop();
    await using;
    expect(scene.problems).toEqual([]);
    expect(scene.page.leftovers).toEqual(NOTHING_LEFT);
  });
});

test("a screen that forgets collects neither breaks nor gaps", async () => {
  const scene = await begun({ keepsTranscript: false });
  await scene.page.hear(1_000);
  scene.page.final("one", 0, 0.5);
  scene.page.timed("one", 0, 0.5);
  scene.page.socket.drop();
  await scene.page.pass(500);
  scene.page.accept();
  scene.page.socket.drop(4409);
  expect(scene.segments).toMatchObject([{ text: "one" }]);
  expect(scene.now.transcript).toEqual({ blocks: [], entries: [], partial: "" });
  expect(scene.now.statistics.segments).toBe(0);
});

test("levels are told for each message of the microphone, until one stops listening", async () => {
  const { recording, page } = await begun();
  const levels: number[] = [];
  const stopListening = recording.on("level", ({ rmsDbfs }) => levels.push(Math.round(rmsDbfs)));
  await page.hear(100, 0.1);
  stopListening();
  await page.hear(100, 1);
  expect(levels).toEqual([-20, -20]);
});
