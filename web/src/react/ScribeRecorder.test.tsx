// @vitest-environment happy-dom
import { act, cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { StrictMode } from "react";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import { FakePage, NOTHING_LEFT } from "../test/FakePage";
import { ScribeRecorder, type ScribeRecorderProps } from "./ScribeRecorder";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const RELAY = { url: "https://relay.example.org" };

/** A recorder on a page, drawn as strictly as React can. */
class Scene {
  readonly page = new FakePage();
  readonly unmount: () => void;

  constructor(props: ScribeRecorderProps = {}) {
    const recorder = <ScribeRecorder {...RELAY} language="en" {...props} />;
    ({ unmount: this.unmount } = render(recorder, { wrapper: StrictMode }));
  }

  async press(name: string): Promise<void> {
    await act(async () => {
      fireEvent.click(screen.getByRole("button", { name }));
      await this.page.pass();
    });
  }

  async accept(fields?: object): Promise<void> {
    await act(async () => {
      this.page.accept(fields);
      await this.page.pass();
    });
  }

  async begin(): Promise<this> {
    await this.press("Start recording");
    await this.accept();
    return this;
  }

  hear = (ms: number, loudness?: number) => act(() => this.page.hear(ms, loudness));

  act = (does: () => void) => {
    act(does);
  };

  get figures(): string {
    return screen.getByText("words").closest("dl")?.textContent ?? "";
  }

  get alert(): HTMLElement {
    return screen.getByRole("alert");
  }
}

describe("figures", () => {
  test("stand below: words, segments, time, pace", async () => {
    const scene = await new Scene().begin();
    await scene.hear(6_000);
    scene.act(() => scene.page.final("six words are said in here", 0, 6));
    scene.act(() => scene.page.timed("six words are said in here", 0, 6));
    expect(scene.figures).toBe("words6segments1time00:06words/min60");
  });
});

describe("that the relay keeps the sound", () => {
  const NOTICE = "The sound is recorded and kept.";

  test("stands there as long as it does", async () => {
    const scene = new Scene();
    await scene.press("Start recording");
    expect(screen.queryByText(NOTICE)).toBeNull();
    await scene.accept({ recorded: true });
    expect(screen.getByText(NOTICE)).toBeTruthy();
    await scene.press("Stop recording");
    expect(screen.queryByText(NOTICE)).toBeNull();
  });

  test("is not said where it doesn't", async () => {
    await new Scene().begin();
    expect(screen.queryByText(NOTICE)).toBeNull();
  });
});

describe("a problem has a button that", () => {
  test("starts again what has ended", async () => {
    const scene = new Scene();
    scene.page.browser.mediaDevices.refuse("NotFoundError");
    await scene.press("Start recording");
    expect(scene.alert.dataset.problem).toBe("no_microphone");
    await scene.press("Look again");
    await scene.accept();
    await scene.hear(50);
    expect(screen.queryByRole("alert")).toBeNull();
    expect(screen.getByText("Live")).toBeTruthy();
  });

  test("lets the browser listen that waits for a press", async () => {
    const scene = new Scene();
    scene.page.browser.letsContextsRun = false;
    await scene.begin();
    await act(() => scene.page.pass(3_000));
    expect(scene.alert.dataset.problem).toBe("audio_blocked");
    scene.page.browser.letsContextsRun = true;
    await scene.press("Listen");
    expect(scene.page.browser.context.state).toBe("running");
    await scene.hear(50);
    expect(screen.queryByRole("alert")).toBeNull();
    expect(scene.page.browser.contexts).toHaveLength(1);
  });

  test("takes away what goes on", async () => {
    const scene = await new Scene().begin();
    await scene.hear(6_000, 0);
    expect(scene.alert.dataset.problem).toBe("silent_microphone");
    await scene.press(within(scene.alert).getByRole("button").textContent);
    expect(screen.queryByRole("alert")).toBeNull();
    expect(scene.page.sockets.all).toHaveLength(1);
    expect(screen.getByText("Live")).toBeTruthy();
  });
});

test("a line that was mended, and what is missing, stand among the text", async () => {
  const scene = await new Scene({ ringSeconds: 1 }).begin();
  await scene.hear(1_000);
  scene.act(() => scene.page.final("before", 0, 1));
  scene.act(() => scene.page.socket.drop());
  await scene.hear(3_000);
  await scene.accept();
  scene.act(() => scene.page.final("after", 0, 1));
  const lines = [...document.querySelectorAll("[role=log] .scribe-entry")];
  const said = lines.map((line) => line.textContent);
  expect(said[0]).toBe("00:00before");
  expect(said.join()).toContain("missing here");
  expect(said.join()).toContain("connection lost");
  expect(said.at(-1)).toContain("after");
});

test("callbacks are called once each, though React draws everything twice", async () => {
  const said: string[] = [];
  const scene = new Scene({
    onPartialTranscript: (text) => said.push(`partial ${text}`),
    onCommittedTranscript: ({ text, index }) => said.push(`segment ${index} ${text}`),
    onStateChange: (state) => said.push(state),
    onError: ({ kind }) => said.push(kind),
  });
  await scene.begin();
  await scene.hear(500);
  scene.act(() => scene.page.say("partial_transcript", { text: "hel" }));
  scene.act(() => scene.page.final("hello", 0, 0.5));
  scene.act(() => scene.page.timed("hello", 0, 0.5));
  scene.act(() => scene.page.socket.drop(4409));
  expect(said).toEqual([
    ...["starting", "live"],
    ...["partial hel", "segment 0 hello", "partial "],
    ...["idle", "taken_over"],
  ]);
});

test("nothing is left of it when it is taken off the page", async () => {
  const scene = await new Scene().begin();
  await scene.hear(500);
  scene.unmount();
  await scene.page.pass();
  expect(scene.page.leftovers).toEqual(NOTHING_LEFT);
});

test("nothing is left of it when the page is", async () => {
  const scene = await new Scene().begin();
  await scene.hear(500);
  await act(async () => {
    dispatchEvent(new Event("pagehide"));
    await scene.page.pass();
  });
  expect(scene.page.leftovers).toEqual(NOTHING_LEFT);
  expect(scene.page.socket.closedWith).toEqual({ code: 1000 });
});
