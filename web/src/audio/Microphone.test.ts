import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import type { Problem } from "../client/problems";
import { builtIn, FakeBrowser, FakeTrack } from "../test/FakeAudio";
import { Microphone, MicrophoneError } from "./Microphone";
import type { AppliedAudio, MicrophoneEvents, MicrophoneOptions } from "./types";

const NOTHING_LEFT = {
  listeners: 0,
  liveTracks: 0,
  openContexts: 0,
  openPorts: 0,
  wakeLocks: 0,
};

const HEADSET = { deviceId: "headset", echoCancellation: true, noiseSuppression: true };

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

/** Let everything happen that needs no time. */
const settle = () => vi.advanceTimersByTimeAsync(0);

function microphoneOn(browser: FakeBrowser, options: MicrophoneOptions = {}) {
  const microphone = new Microphone(options, browser.asBrowser());
  const heard: number[] = [];
  const rates: number[] = [];
  const problems: Problem[] = [];
  const applied: AppliedAudio[] = [];
  const interruptions: boolean[] = [];
  microphone.on("audio", ({ samples, sampleRate }) => {
    heard.push(...samples);
    rates.push(sampleRate);
  });
  microphone.on("problem", (problem) => problems.push(problem));
  microphone.on("applied", (audio) => applied.push(audio));
  microphone.on("interrupted", (isInterrupted) => interruptions.push(isInterrupted));
  return { microphone, heard, rates, problems, applied, interruptions };
}

async function listening(options: MicrophoneOptions = {}, browser = new FakeBrowser()) {
  const parts = microphoneOn(browser, options);
  await parts.microphone.start();
  return { browser, ...parts };
}

/** Numbers, so that a hole, a repeat or a swap is seen: `from`, `from` + 1, … */
const ramp = (frames: number, from = 0) =>
  Float32Array.from({ length: frames }, (_, index) => from + index);

const speech = (ms: number) => new Float32Array(ms * 48).fill(0.1);

/** Sound and time go on together. */
async function hearFor(browser: FakeBrowser, ms: number, loudness = 0.1): Promise<void> {
  for (let passed = 0; passed < ms; passed += 50) {
    browser.context.hear(new Float32Array(browser.context.sampleRate / 20).fill(loudness));
    await vi.advanceTimersByTimeAsync(50);
  }
}

const kindsOf = (problems: Problem[]) => problems.map(({ kind, isFinal }) => ({ kind, isFinal }));

async function problemOf(promise: Promise<unknown>): Promise<Problem> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof MicrophoneError)) throw new Error(`Not a problem: ${String(error)}`);
  return error.problem;
}

describe("start", () => {
  test("makes and resumes the context in the click itself, at the rate the browser chooses", () => {
    const browser = new FakeBrowser();
    void microphoneOn(browser).microphone.start();
    expect(browser.contexts).toHaveLength(1);
    expect(browser.context.resumes).toBe(1);
    expect(browser.context.options).toEqual({ latencyHint: "interactive" });
  });

  test("asks for the stream without waiting for the worklet", () => {
    const browser = new FakeBrowser();
    void microphoneOn(browser).microphone.start();
    expect(browser.mediaDevices.asked).toHaveLength(1);
    expect(browser.context.modules).toHaveLength(1);
  });

  test("asks for no processing and for no exact device", async () => {
    const { browser } = await listening({ deviceId: "headset" });
    expect(browser.mediaDevices.asked[0]).toEqual({
      audio: {
        deviceId: { ideal: "headset" },
        channelCount: { ideal: 1 },
        echoCancellation: false,
        noiseSuppression: false,
        autoGainControl: false,
      },
      video: false,
    });
  });

  test("asks for the processing it was told", async () => {
    const { browser } = await listening({ noiseSuppression: true });
    expect(browser.mediaDevices.asked[0]?.audio).toMatchObject({
      echoCancellation: false,
      noiseSuppression: true,
    });
  });

  test("tells what the browser really applied, not what it was asked for", async () => {
    const browser = new FakeBrowser();
    browser.sampleRate = 44_100;
    browser.mediaDevices.answers.push(() => Promise.resolve(new FakeTrack("Headset", HEADSET)));
    const { microphone, applied } = await listening({ deviceId: "gone" }, browser);
    expect(applied).toEqual([
      {
        deviceId: "headset",
        label: "Headset",
        sampleRate: 44_100,
        echoCancellation: true,
        noiseSuppression: true,
        autoGainControl: null,
      },
    ]);
    expect(microphone.applied).toEqual(applied[0]);
  });

  test("loads the worklet from where it is told", async () => {
    const { browser } = await listening({ workletUrl: "/assets/capture.js" });
    expect(browser.context.modules).toEqual(["/assets/capture.js"]);
  });

  test("loads the worklet from beside its own module otherwise", async () => {
    const { browser } = await listening();
    expect(browser.context.modules[0]).toBe(
      new URL("./capture.worklet.js", import.meta.url).toString(),
    );
  });

  test("lists the microphones, and again when they change", async () => {
    const browser = new FakeBrowser();
    const { microphone } = microphoneOn(browser);
    const lists: MicrophoneEvents["devices"][] = [];
    microphone.on("devices", (devices) => lists.push(devices));
    await microphone.start();
    await settle();
    browser.mediaDevices.list = [];
    browser.mediaDevices.fire("devicechange");
    await settle();
    expect(lists).toEqual([[{ deviceId: "built-in", label: "Built-in" }], []]);
  });

  test("twice is refused", async () => {
    const { microphone } = await listening();
    await expect(microphone.start()).rejects.toThrow("listening already");
  });
});

describe("a start that fails", () => {
  test("tells why the microphone was refused, and leaves nothing behind", async () => {
    const browser = new FakeBrowser();
    browser.mediaDevices.refuse("NotAllowedError", "Permission denied");
    browser.permission = "denied";
    const { microphone, problems } = microphoneOn(browser);
    const problem = await problemOf(microphone.start());
    expect(problem).toMatchObject({ kind: "microphone_denied", retryAfterMs: null });
    expect(problems).toEqual([]);
    expect(browser.leftovers).toEqual(NOTHING_LEFT);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("knows a refusal by the page's policy", async () => {
    const browser = new FakeBrowser();
    browser.mediaDevices.refuse("NotAllowedError", "Permission denied");
    browser.document.featurePolicy = { allowsFeature: () => false };
    const { microphone } = microphoneOn(browser);
    expect((await problemOf(microphone.start())).kind).toBe("blocked_by_policy");
  });

  test("without its worklet stops the stream, also one that comes later", async () => {
    const browser = new FakeBrowser();
    browser.loadModule = () => Promise.reject(new DOMException("404", "AbortError"));
    let permit: (track: FakeTrack) => void = () => undefined;
    browser.mediaDevices.answers.push(() => new Promise((resolve) => (permit = resolve)));
    const { microphone } = microphoneOn(browser);
    expect((await problemOf(microphone.start())).kind).toBe("unsupported_browser");
    permit(builtIn());
    await settle();
    expect(browser.mediaDevices.tracks).toHaveLength(1);
    expect(browser.leftovers).toEqual(NOTHING_LEFT);
  });

  test("on an insecure page touches nothing", async () => {
    const browser = new FakeBrowser();
    browser.isSecureContext = false;
    const { microphone } = microphoneOn(browser);
    expect((await problemOf(microphone.start())).kind).toBe("insecure_origin");
    expect(browser.contexts).toEqual([]);
  });

  test("can be tried again", async () => {
    const browser = new FakeBrowser();
    browser.mediaDevices.refuse("NotReadableError");
    const { microphone, heard } = microphoneOn(browser);
    expect((await problemOf(microphone.start())).kind).toBe("microphone_busy");
    await microphone.start();
    browser.context.hear(speech(50));
    expect(heard).toHaveLength(2_400);
  });

  test("because it was aborted rejects with the signal's reason and stops a late stream", async () => {
    const browser = new FakeBrowser();
    let permit: (track: FakeTrack) => void = () => undefined;
    browser.mediaDevices.answers.push(() => new Promise((resolve) => (permit = resolve)));
    const { microphone } = microphoneOn(browser);
    const abort = new AbortController();
    const starting = microphone.start(abort.signal);
    abort.abort("enough");
    await expect(starting).rejects.toBe("enough");
    permit(builtIn());
    await settle();
    expect(browser.leftovers).toEqual(NOTHING_LEFT);
  });

  test("because it was stopped rejects with an AbortError", async () => {
    const browser = new FakeBrowser();
    browser.mediaDevices.answers.push(() => new Promise(() => undefined));
    const { microphone } = microphoneOn(browser);
    const starting = expect(microphone.start()).rejects.toMatchObject({ name: "AbortError" });
    await microphone.stop();
    await starting;
    expect(browser.leftovers).toEqual(NOTHING_LEFT);
  });

  test("because a listener aborted it at the last moment leaves nothing behind", async () => {
    const browser = new FakeBrowser();
    const { microphone } = microphoneOn(browser);
    const abort = new AbortController();
    microphone.on("applied", () => abort.abort("enough"));
    await expect(microphone.start(abort.signal)).rejects.toBe("enough");
    expect(browser.leftovers).toEqual(NOTHING_LEFT);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("because a listener stopped it at the last moment leaves nothing behind", async () => {
    const browser = new FakeBrowser();
    const { microphone } = microphoneOn(browser);
    microphone.on("applied", () => void microphone.stop());
    await expect(microphone.start()).rejects.toMatchObject({ name: "AbortError" });
    await settle();
    expect(browser.leftovers).toEqual(NOTHING_LEFT);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("of an earlier attempt leaves the next one alone", async () => {
    const browser = new FakeBrowser();
    browser.mediaDevices.answers.push(() => new Promise(() => undefined));
    const { microphone, heard } = microphoneOn(browser);
    const first = expect(microphone.start()).rejects.toMatchObject({ name: "AbortError" });
    await microphone.stop();
    await microphone.start();
    await first;
    browser.context.hear(speech(50));
    expect(heard).toHaveLength(2_400);
  });
});

describe("audio", () => {
  test("comes in messages of the asked length at the context's own rate", async () => {
    const browser = new FakeBrowser();
    browser.sampleRate = 44_100;
    const { microphone } = microphoneOn(browser, { messageMs: 100 });
    const lengths: number[] = [];
    microphone.on("audio", ({ samples }) => lengths.push(samples.length));
    await microphone.start();
    browser.context.hear(ramp(10_000));
    expect(lengths).toEqual([4_410, 4_410]);
  });

  test.each([
    [1, 480],
    [5_000, 24_000],
  ])("messages of %d ms are brought into range", async (messageMs, frames) => {
    const { browser, heard } = await listening({ messageMs });
    browser.context.hear(ramp(frames));
    expect(heard).toHaveLength(frames);
  });

  test("is pulled by the destination, but not heard", async () => {
    const { browser } = await listening();
    const [node] = browser.context.nodes;
    const [gain] = node?.outputs ?? [];
    expect(gain).toMatchObject({ gain: { value: 0 } });
    expect(gain?.outputs).toEqual([browser.context.destination]);
  });

  test("comes with its level, also if the receiver transfers the samples", async () => {
    const { browser, microphone } = await listening();
    const peaks: number[] = [];
    microphone.on("audio", ({ samples }) => {
      structuredClone(samples, { transfer: [samples.buffer] });
    });
    microphone.on("level", ({ peakDbfs }) => peaks.push(Math.round(peakDbfs)));
    browser.context.hear(speech(50));
    expect(peaks).toEqual([-20]);
  });
});

describe("stop", () => {
  test("emits the tail, in order, then lets go of everything", async () => {
    const { browser, microphone, heard } = await listening();
    browser.context.hear(ramp(2_500));
    await microphone.stop();
    expect(heard).toEqual([...ramp(2_500)]);
    expect(browser.leftovers).toEqual(NOTHING_LEFT);
    expect(vi.getTimerCount()).toBe(0);
    expect(microphone.applied).toBeNull();
  });

  test("twice is the same as once", async () => {
    const { microphone, heard, browser } = await listening();
    browser.context.hear(ramp(100));
    await Promise.all([microphone.stop(), microphone.stop()]);
    await microphone.stop();
    expect(heard).toEqual([...ramp(100)]);
  });

  test("doesn't wait for an audio thread that is dead", async () => {
    const { browser, microphone } = await listening();
    browser.context.isDeaf = true;
    const stopping = microphone.stop();
    await vi.advanceTimersByTimeAsync(250);
    await stopping;
    expect(browser.leftovers).toEqual(NOTHING_LEFT);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("while another device is being opened gives that up", async () => {
    const { browser, microphone, applied } = await listening();
    browser.mediaDevices.answers.push(() => new Promise(() => undefined));
    const using = expect(microphone.use({ deviceId: "headset" })).rejects.toMatchObject({
      name: "AbortError",
    });
    await settle();
    await microphone.stop();
    await using;
    expect(applied).toHaveLength(1);
    expect(browser.leftovers).toEqual(NOTHING_LEFT);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("isn't outrun by a device that opens while the tail is handed over", async () => {
    const { browser, microphone, applied } = await listening();
    let permit: (track: FakeTrack) => void = () => undefined;
    browser.mediaDevices.answers.push(() => new Promise((resolve) => (permit = resolve)));
    const using = expect(microphone.use({ deviceId: "headset" })).rejects.toThrow("stopped");
    await settle();
    browser.contexts.forEach((context) => (context.isDeaf = true));
    const stopping = microphone.stop();
    permit(builtIn());
    await vi.advanceTimersByTimeAsync(250);
    await Promise.all([using, stopping]);
    expect(applied).toHaveLength(1);
    expect(browser.leftovers).toEqual(NOTHING_LEFT);
  });

  test("before a start does nothing, and a start may follow", async () => {
    const { microphone } = microphoneOn(new FakeBrowser());
    await microphone.stop();
    await microphone.start();
    expect(microphone.applied).not.toBeNull();
  });
});

describe("use", () => {
  test("changes over without a hole, and tells the new rate", async () => {
    const { browser, microphone, heard, rates, applied } = await listening();
    const old = browser.context;
    old.hear(ramp(3_000));
    browser.sampleRate = 16_000;
    browser.mediaDevices.answers.push(() => Promise.resolve(new FakeTrack("Headset", HEADSET)));
    const using = microphone.use({ deviceId: "headset" });
    old.hear(ramp(500, 3_000));
    await using;
    browser.context.hear(ramp(800, 3_500));
    expect(heard).toEqual([...ramp(4_300)]);
    expect(rates).toEqual([48_000, 48_000, 16_000]);
    expect(applied.at(-1)).toMatchObject({ label: "Headset", sampleRate: 16_000 });
    expect(old.state).toBe("closed");
  });

  test("keeps what the new device gives until the old one's tail is out", async () => {
    const { browser, microphone, heard } = await listening();
    const old = browser.context;
    old.hear(ramp(2_400));
    old.isDeaf = true;
    const using = microphone.use({ autoGainControl: true });
    await settle();
    browser.context.hear(ramp(2_400, 2_400));
    expect(heard).toHaveLength(2_400);
    await vi.advanceTimersByTimeAsync(250);
    await using;
    expect(heard).toEqual([...ramp(4_800)]);
  });

  test("that is refused rejects, and the old device goes on", async () => {
    const { browser, microphone, heard, problems } = await listening();
    const old = browser.context;
    browser.mediaDevices.refuse("NotReadableError");
    expect((await problemOf(microphone.use({ deviceId: "headset" }))).kind).toBe("microphone_busy");
    old.hear(ramp(2_400));
    expect(heard).toHaveLength(2_400);
    expect(problems).toEqual([]);
    expect(browser.leftovers).toMatchObject({ liveTracks: 1, openContexts: 1 });
  });

  test("of a device whose context doesn't run rejects after a second", async () => {
    const { browser, microphone } = await listening();
    browser.letsContextsRun = false;
    const refused = problemOf(microphone.use({ deviceId: "headset" }));
    await vi.advanceTimersByTimeAsync(1_000);
    expect((await refused).kind).toBe("audio_blocked");
    expect(browser.contexts.map((context) => context.state)).toEqual(["running", "closed"]);
  });

  test("before the start is for the start", async () => {
    const browser = new FakeBrowser();
    const { microphone } = microphoneOn(browser, { deviceId: "headset" });
    await microphone.use({ echoCancellation: true });
    await microphone.start();
    expect(browser.mediaDevices.asked).toHaveLength(1);
    expect(browser.mediaDevices.asked[0]?.audio).toMatchObject({
      deviceId: { ideal: "headset" },
      echoCancellation: true,
    });
  });

  test("twice at a time happens one after the other, however long the first one takes", async () => {
    const { browser, microphone } = await listening();
    let permit: (track: FakeTrack) => void = () => undefined;
    browser.mediaDevices.answers.push(() => new Promise((resolve) => (permit = resolve)));
    browser.mediaDevices.answers.push(() => Promise.resolve(new FakeTrack("Headset", HEADSET)));
    const both = [microphone.use({ deviceId: "built-in" }), microphone.use(HEADSET)];
    await settle();
    permit(builtIn());
    await Promise.all(both);
    expect(microphone.applied?.label).toBe("Headset");
    expect(browser.leftovers).toMatchObject({ liveTracks: 1, openContexts: 1 });
  });
});

describe("mute", () => {
  test("silences the device and emits nothing until unmuted", async () => {
    const { browser, microphone, heard } = await listening();
    microphone.mute();
    expect(microphone.isMuted).toBe(true);
    expect(browser.track.enabled).toBe(false);
    browser.context.hear(speech(50));
    expect(heard).toEqual([]);
    microphone.unmute();
    browser.context.hear(speech(50));
    expect(browser.track.enabled).toBe(true);
    expect(heard).toHaveLength(2_400);
  });

  test("holds for the next device and before the start", async () => {
    const browser = new FakeBrowser();
    const { microphone } = microphoneOn(browser);
    microphone.mute();
    await microphone.start();
    expect(browser.track.enabled).toBe(false);
    await microphone.use({ deviceId: "headset" });
    expect(browser.track.enabled).toBe(false);
  });

  test("is no silence to warn of, and no interruption even if the browser stops the frames", async () => {
    const { browser, microphone, problems, interruptions } = await listening();
    await hearFor(browser, 1_000);
    microphone.mute();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(problems).toEqual([]);
    expect(interruptions).toEqual([]);
    expect(browser.contexts).toHaveLength(1);
  });
});

describe("a silent microphone", () => {
  test("is told once, not as final", async () => {
    const { browser, problems } = await listening();
    await hearFor(browser, 10_000, 0);
    expect(kindsOf(problems)).toEqual([{ kind: "silent_microphone", isFinal: false }]);
  });

  test("isn't told while the system holds the sound back", async () => {
    const { browser, problems } = await listening();
    browser.track.setMuted(true);
    await hearFor(browser, 10_000, 0);
    expect(problems).toEqual([]);
  });

  test("is told again of another device", async () => {
    const { browser, microphone, problems } = await listening();
    await hearFor(browser, 6_000, 0);
    await microphone.use({ deviceId: "headset" });
    await hearFor(browser, 6_000, 0);
    expect(problems).toHaveLength(2);
  });
});

describe("a context that isn't allowed to start", () => {
  async function blocked() {
    const browser = new FakeBrowser();
    browser.letsContextsRun = false;
    const parts = await listening({}, browser);
    await vi.advanceTimersByTimeAsync(5_000);
    return parts;
  }

  test("is told after a second, once, not as final", async () => {
    const { problems, interruptions } = await blocked();
    expect(kindsOf(problems)).toEqual([{ kind: "audio_blocked", isFinal: false }]);
    expect(interruptions).toEqual([]);
  });

  test.each(["pointerdown", "pointerup", "keydown"])("goes on after a %s", async (gesture) => {
    const { browser, heard } = await blocked();
    browser.letsContextsRun = true;
    browser.document.fire(gesture);
    browser.context.hear(ramp(2_400));
    expect(heard).toHaveLength(2_400);
  });

  test("goes on after resume", async () => {
    const { browser, microphone, heard } = await blocked();
    browser.letsContextsRun = true;
    await microphone.resume();
    browser.context.hear(ramp(2_400));
    expect(heard).toHaveLength(2_400);
  });

  test("isn't rebuilt again and again", async () => {
    const { browser } = await blocked();
    expect(browser.contexts).toHaveLength(1);
  });
});

describe("a lost device", () => {
  test("is replaced by the default one at once, after its tail", async () => {
    const { browser, heard, problems, applied } = await listening({ deviceId: "headset" });
    const old = browser.context;
    old.hear(ramp(2_500));
    browser.sampleRate = 44_100;
    browser.track.unplug();
    await settle();
    browser.context.hear(ramp(2_205, 2_500));
    expect(kindsOf(problems)).toEqual([{ kind: "microphone_lost", isFinal: false }]);
    expect(browser.mediaDevices.asked[1]?.audio).not.toHaveProperty("deviceId");
    expect(heard).toEqual([...ramp(4_705)]);
    expect(applied.at(-1)?.sampleRate).toBe(44_100);
    expect(old.state).toBe("closed");
  });

  test("is looked for at each change of devices until one works, and no more then", async () => {
    const { browser, applied, problems } = await listening();
    browser.mediaDevices.refuse("NotFoundError");
    browser.mediaDevices.refuse("NotReadableError");
    browser.track.unplug();
    await settle();
    for (let changes = 0; changes < 3; changes++) {
      browser.mediaDevices.fire("devicechange");
      await settle();
    }
    expect(browser.mediaDevices.asked).toHaveLength(4);
    expect(applied).toHaveLength(2);
    expect(problems).toHaveLength(1);
    expect(browser.leftovers).toMatchObject({ liveTracks: 1, openContexts: 1 });
  });

  test("whose successor dies while it is being opened isn't taken for heard", async () => {
    const { browser, applied } = await listening();
    const dead = builtIn();
    dead.stop();
    browser.mediaDevices.answers.push(() => Promise.resolve(dead));
    browser.track.unplug();
    await settle();
    expect(applied).toHaveLength(1);
    browser.mediaDevices.fire("devicechange");
    await settle();
    expect(applied).toHaveLength(2);
  });

  test("with the permission taken away is a final problem, and nothing is left", async () => {
    const { browser, problems } = await listening();
    browser.mediaDevices.refuse("NotAllowedError", "Permission denied");
    browser.track.unplug();
    await settle();
    expect(kindsOf(problems)).toEqual([
      { kind: "microphone_lost", isFinal: false },
      { kind: "microphone_denied", isFinal: true },
    ]);
    expect(browser.leftovers).toEqual(NOTHING_LEFT);
    expect(vi.getTimerCount()).toBe(0);
  });

  test("refused to a hidden page is tried again when it returns", async () => {
    const { browser, problems, applied } = await listening();
    browser.mediaDevices.refuse("NotAllowedError", "Permission denied");
    browser.document.show("hidden");
    browser.track.unplug();
    await settle();
    expect(problems).toHaveLength(1);
    browser.document.show("visible");
    await settle();
    expect(applied).toHaveLength(2);
  });

  test("isn't replaced when a listener stops it", async () => {
    const { browser, microphone } = await listening();
    microphone.on("problem", () => void microphone.stop());
    browser.track.unplug();
    await settle();
    expect(browser.mediaDevices.asked).toHaveLength(1);
    expect(browser.leftovers).toEqual(NOTHING_LEFT);
  });
});

describe("an interruption", () => {
  test("by the system's mute begins and ends with it", async () => {
    const { browser, interruptions } = await listening();
    await hearFor(browser, 100);
    browser.track.setMuted(true);
    browser.track.setMuted(false);
    expect(interruptions).toEqual([true, false]);
  });

  test.each(["interrupted", "suspended"] as const)(
    "by a context %s ends when it runs",
    async (state) => {
      const { browser, interruptions } = await listening();
      await hearFor(browser, 100);
      browser.letsContextsRun = false;
      browser.context.setState(state);
      expect(interruptions).toEqual([true]);
      browser.context.setState("running");
      expect(interruptions).toEqual([true, false]);
    },
  );

  test("is told when frames stop while the page is hidden, and ends when they return", async () => {
    const { browser, interruptions } = await listening();
    await hearFor(browser, 1_000);
    browser.document.show("hidden");
    await hearFor(browser, 5_000);
    expect(interruptions).toEqual([]);
    await vi.advanceTimersByTimeAsync(5_000);
    expect(interruptions).toEqual([true]);
    await hearFor(browser, 100);
    expect(interruptions).toEqual([true, false]);
    expect(browser.contexts).toHaveLength(1);
  });

  test("ends by resuming the context when the page returns", async () => {
    const { browser, interruptions } = await listening();
    await hearFor(browser, 100);
    browser.document.show("hidden");
    browser.context.setState("interrupted");
    browser.document.show("visible");
    expect(browser.context.state).toBe("running");
    await hearFor(browser, 2_000);
    expect(interruptions).toEqual([true, false]);
    expect(browser.contexts).toHaveLength(1);
  });

  test("out of which the context doesn't come back rebuilds it, with the same stream", async () => {
    const { browser, heard, interruptions } = await listening();
    await hearFor(browser, 100);
    browser.document.show("hidden");
    browser.context.isDeaf = true;
    browser.context.setState("interrupted");
    browser.letsContextsRun = false;
    browser.document.show("visible");
    browser.letsContextsRun = true;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(browser.contexts.map((context) => context.state)).toEqual(["closed", "running"]);
    expect(browser.mediaDevices.asked).toHaveLength(1);
    expect(browser.track.readyState).toBe("live");
    const before = heard.length;
    await hearFor(browser, 100);
    expect(heard.length - before).toBe(4_800);
    expect(interruptions).toEqual([true, false]);
  });

  test("of a clock that stands still though the context runs rebuilds it", async () => {
    const { browser, interruptions } = await listening();
    await hearFor(browser, 100);
    browser.context.isDeaf = true;
    await vi.advanceTimersByTimeAsync(2_000);
    expect(browser.contexts).toHaveLength(2);
    await hearFor(browser, 100);
    expect(interruptions).toEqual([true, false]);
  });

  test("with a muted stream asks for a new one", async () => {
    const { browser } = await listening();
    await hearFor(browser, 100);
    browser.track.setMuted(true);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(browser.mediaDevices.asked).toHaveLength(2);
    expect(browser.leftovers.liveTracks).toBe(1);
  });

  test("that goes on in a rebuilt context doesn't rebuild for ever", async () => {
    const { browser } = await listening();
    await hearFor(browser, 100);
    browser.letsContextsRun = false;
    browser.context.setState("interrupted");
    await vi.advanceTimersByTimeAsync(60_000);
    expect(browser.contexts).toHaveLength(2);
  });

  test("that a new device has ended needs no rebuilding", async () => {
    const { browser, microphone } = await listening();
    await hearFor(browser, 100);
    const stuck = browser.context;
    stuck.isDeaf = true;
    let permit: (track: FakeTrack) => void = () => undefined;
    browser.mediaDevices.answers.push(() => new Promise((resolve) => (permit = resolve)));
    const using = microphone.use({ deviceId: "headset" });
    await vi.advanceTimersByTimeAsync(2_000);
    permit(builtIn());
    await vi.advanceTimersByTimeAsync(250);
    await using;
    expect(browser.contexts).toHaveLength(2);
  });

  test("whose rebuilding fails isn't rebuilt again before the page returns", async () => {
    const { browser } = await listening();
    await hearFor(browser, 100);
    browser.loadModule = () => Promise.reject(new DOMException("Offline", "AbortError"));
    await vi.advanceTimersByTimeAsync(60_000);
    expect(browser.contexts).toHaveLength(2);
  });

  test("whose rebuilding fails keeps the old stream for the next try", async () => {
    const { browser, heard } = await listening();
    await hearFor(browser, 100);
    browser.context.isDeaf = true;
    browser.loadModule = () => Promise.reject(new DOMException("Offline", "AbortError"));
    await vi.advanceTimersByTimeAsync(2_000);
    expect(browser.track.readyState).toBe("live");
    browser.loadModule = () => Promise.resolve();
    browser.document.show("visible");
    await vi.advanceTimersByTimeAsync(2_000);
    const before = heard.length;
    await hearFor(browser, 100);
    expect(heard.length).toBeGreaterThan(before);
    expect(browser.mediaDevices.asked).toHaveLength(1);
  });
});

describe("the screen", () => {
  test("stays on while listening", async () => {
    const { browser, microphone } = await listening();
    await settle();
    expect(browser.wakeLock.held).toBe(1);
    await microphone.stop();
    expect(browser.wakeLock.held).toBe(0);
  });

  test("is left alone if so asked, at the start or later", async () => {
    const { browser, microphone } = await listening({ keepsAwake: false });
    await settle();
    expect(browser.wakeLock.held).toBe(0);
    await microphone.use({ keepsAwake: true });
    await settle();
    expect(browser.wakeLock.held).toBe(1);
    await microphone.use({ keepsAwake: false });
    expect(browser.wakeLock.held).toBe(0);
  });
});
