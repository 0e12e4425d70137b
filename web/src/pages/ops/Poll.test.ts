// @vitest-environment happy-dom
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { Poll } from "./Poll";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
});

class Scene {
  readonly heard: unknown[] = [];
  questions = 0;
  answer: () => Promise<number> = () => Promise.resolve(this.questions);
  readonly poll = new Poll(
    () => {
      this.questions += 1;
      return this.answer();
    },
    3_000,
    {
      onAnswer: (answer) => this.heard.push(answer),
      onError: (error) => this.heard.push((error as Error).message),
    },
  );

  fail(): void {
    this.answer = () => Promise.reject(new Error("away"));
  }
}

function show(state: "visible" | "hidden"): void {
  vi.spyOn(document, "visibilityState", "get").mockReturnValue(state);
  document.dispatchEvent(new Event("visibilitychange"));
}

const pass = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test("it asks at once, and then every few seconds until it is ended", async () => {
  const scene = new Scene();
  const end = scene.poll.start();
  await pass(0);
  expect(scene.heard).toEqual([1]);
  await pass(6_000);
  expect(scene.heard).toEqual([1, 2, 3]);
  end();
  await pass(60_000);
  expect(scene.questions).toBe(3);
});

test("while the relay is away it asks more and more seldom, and then as before", async () => {
  const scene = new Scene();
  scene.fail();
  const end = scene.poll.start();
  const times: number[] = [];
  for (let seconds = 0; seconds < 60; seconds += 1) {
    const before = scene.questions;
    await pass(1_000);
    if (scene.questions > before) times.push(seconds);
  }
  expect(times).toEqual([2, 8, 20, 35, 50]);
  scene.answer = () => Promise.resolve(7);
  await pass(15_000);
  expect(scene.heard.at(-1)).toBe(7);
  const before = scene.questions;
  await pass(3_000);
  expect(scene.questions).toBe(before + 1);
  end();
});

test("it doesn't ask while nobody looks, and does at once when somebody does", async () => {
  const scene = new Scene();
  const end = scene.poll.start();
  await pass(0);
  show("hidden");
  await pass(60_000);
  expect(scene.questions).toBe(1);
  show("visible");
  await pass(0);
  expect(scene.questions).toBe(2);
  end();
});

test("an answer that was on its way when something was done is followed by another", async () => {
  const scene = new Scene();
  let answer: (value: number) => void = () => undefined;
  scene.answer = () => new Promise((resolve) => (answer = resolve));
  const end = scene.poll.start();
  scene.poll.hurry();
  scene.poll.hurry();
  expect(scene.questions).toBe(1);
  answer(1);
  await pass(0);
  expect(scene.questions).toBe(2);
  answer(2);
  await pass(0);
  expect(scene.questions).toBe(2);
  expect(scene.heard).toEqual([1, 2]);
  end();
});

test("what comes after the end is heard by nobody", async () => {
  const scene = new Scene();
  scene.poll.start()();
  await pass(0);
  expect(scene.heard).toEqual([]);
});
