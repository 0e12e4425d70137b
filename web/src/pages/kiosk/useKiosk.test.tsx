// @vitest-environment happy-dom
import { act, cleanup, renderHook } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { isConnected } from "../../recording/RecordingSnapshot";
import { FakePage } from "../../test/FakePage";
import type { KioskConfig } from "./KioskConfig";
import { useKiosk, type Kiosk } from "./useKiosk";
import { noUtterances } from "./Utterances";

const MANUAL: KioskConfig = { name: "lobby", alwaysOn: false, clearAfterSeconds: 3 };
const ALWAYS_ON: KioskConfig = { ...MANUAL, alwaysOn: true };

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** A kiosk on a page. */
class Scene {
  readonly page = new FakePage();
  private readonly hook: { result: { current: Kiosk } };

  constructor(config: KioskConfig) {
    this.hook = renderHook(() => useKiosk(config), { wrapper: StrictMode });
  }

  get kiosk(): Kiosk {
    return this.hook.result.current;
  }

  get state() {
    return this.kiosk.snapshot.state;
  }

  get problem() {
    return this.kiosk.snapshot.problem?.kind;
  }

  /** The relay or a person acts, and what follows at once. */
  async act(does: () => void): Promise<void> {
    await act(async () => {
      does();
      await this.page.pass();
    });
  }

  async toggle(): Promise<void> {
    await this.act(() => this.kiosk.toggle());
  }

  async accept(): Promise<void> {
    await this.act(() => this.page.accept());
  }

  async say(text: string): Promise<void> {
    await this.act(() => this.page.say("partial_transcript", { text }));
  }

  async final(text: string, segment: number, endSeconds: number): Promise<void> {
    await this.act(() => this.page.final(text, segment, endSeconds));
  }

  /** The microphone hears a room in which nobody speaks. */
  async hear(ms: number): Promise<void> {
    await act(() => this.page.hear(ms, 0.002));
  }

  /** Time passes, for a page that listens to nothing. */
  async pass(ms: number): Promise<void> {
    await act(() => this.page.pass(ms));
  }
}

async function manual(): Promise<Scene> {
  const scene = new Scene(MANUAL);
  await scene.toggle();
  await scene.accept();
  return scene;
}

async function alwaysOn(): Promise<Scene> {
  const scene = new Scene(ALWAYS_ON);
  await scene.pass(0);
  await scene.accept();
  return scene;
}

describe("a kiosk with a control", () => {
  test("listens to nobody before it is pressed", async () => {
    const scene = new Scene(MANUAL);
    await scene.pass(60_000);
    expect(scene.state).toBe("idle");
    expect(scene.page.browser.contexts).toEqual([]);
  });

  test("starts and finishes by its control", async () => {
    const scene = await manual();
    await scene.hear(500);
    expect(scene.state).toBe("live");
    await scene.toggle();
    expect(scene.state).toBe("stopping");
    await scene.act(() => scene.page.finish());
    expect(scene.state).toBe("idle");
  });

  test("forgets after the time it was told, and stops listening", async () => {
    const scene = await manual();
    await scene.hear(1_000);
    await scene.final("Hello.", 0, 0.5);
    await scene.hear(2_950);
    expect(scene.kiosk.utterances.current).toBe("Hello.");
    expect(scene.kiosk.snapshot.transcript.entries).toEqual([]);
    expect(scene.state).toBe("live");
    await scene.hear(50);
    expect(scene.kiosk.utterances).toBe(noUtterances);
    expect(scene.state).toBe("stopping");
  });

  test("stops listening to somebody who says nothing at all", async () => {
    const scene = await manual();
    await scene.hear(3_000);
    expect(scene.state).toBe("stopping");
  });

  test("doesn't interrupt whoever goes on speaking", async () => {
    const scene = await manual();
    for (let second = 0; second < 10; second += 1) {
      await scene.hear(1_000);
      await scene.say(`word ${second}`);
    }
    expect(scene.state).toBe("live");
    expect(scene.kiosk.utterances.current).toBe("word 9");
  });

  test("shows what was said last until its time is over, though it has stopped", async () => {
    const scene = await manual();
    await scene.hear(1_000);
    await scene.toggle();
    await scene.final("Bye.", 0, 1);
    await scene.act(() => scene.page.finish());
    await scene.pass(2_999);
    expect(scene.kiosk.utterances.current).toBe("Bye.");
    await scene.pass(1);
    expect(scene.kiosk.utterances).toBe(noUtterances);
  });

  test("shows the next person no problem of the last one's", async () => {
    const scene = new Scene(MANUAL);
    scene.page.browser.mediaDevices.refuse("NotAllowedError");
    await scene.toggle();
    await scene.pass(2_999);
    expect(scene.problem).toBe("microphone_denied");
    await scene.pass(1);
    expect(scene.problem).toBeUndefined();
    expect(scene.page.browser.contexts).toHaveLength(1); // and doesn't try again by itself
  });
});

describe("a kiosk that listens always", () => {
  test("starts by itself, with one microphone and one connection", async () => {
    const scene = await alwaysOn();
    await scene.hear(50);
    expect(scene.state).toBe("live");
    expect(scene.page.sockets.all).toHaveLength(1);
    expect(scene.page.browser.leftovers.liveTracks).toBe(1);
  });

  test("forgets, and goes on listening", async () => {
    const scene = await alwaysOn();
    await scene.hear(1_000);
    await scene.final("Hello.", 0, 0.5);
    await scene.hear(3_000);
    expect(scene.kiosk.utterances).toBe(noUtterances);
    expect(scene.state).toBe("live");
    await scene.say("again");
    expect(scene.kiosk.utterances.current).toBe("again");
    await scene.hear(3_000);
    expect(scene.kiosk.utterances).toBe(noUtterances);
  });

  test("is back about a minute after somebody ended its session", async () => {
    vi.spyOn(Math, "random").mockReturnValue(0); // no jitter
    const scene = await alwaysOn();
    const ended = { reason: "ended_by_operator", audio_ms: 0, segments: 0, words: 0 };
    await scene.act(() => {
      scene.page.say("session_ended", ended);
      scene.page.socket.drop(1000);
    });
    await scene.pass(59_999);
    expect(scene.page.sockets.all).toHaveLength(1);
    await scene.pass(1);
    expect(scene.page.sockets.all).toHaveLength(2);
    await scene.accept();
    await scene.hear(50);
    expect(isConnected(scene.kiosk.snapshot)).toBe(true);
  });

  test("tries again in some seconds after what ended it, for as long as it takes", async () => {
    const scene = new Scene(ALWAYS_ON);
    for (let time = 0; time < 3; time += 1) {
      scene.page.browser.mediaDevices.refuse("NotFoundError");
    }
    await scene.pass(0);
    expect(scene.problem).toBe("no_microphone");
    await scene.pass(4_999);
    expect(scene.page.browser.contexts).toHaveLength(1);
    await scene.pass(1);
    expect(scene.page.browser.contexts).toHaveLength(2);
    await scene.pass(10_000);
    await scene.hear(50);
    expect(scene.state).toBe("connecting");
    expect(scene.problem).toBeUndefined();
  });

  test("is woken by a press where the browser wants one, and isn't stopped by it", async () => {
    const scene = new Scene(ALWAYS_ON);
    scene.page.browser.letsContextsRun = false;
    await scene.pass(0);
    await scene.accept();
    await scene.pass(3_000);
    expect(scene.problem).toBe("audio_blocked");
    scene.page.browser.letsContextsRun = true;
    await scene.toggle();
    await scene.hear(50);
    expect(scene.problem).toBeUndefined();
    expect(scene.state).toBe("live");
  });
});
