import { expect, test } from "vitest";
import { SessionClock } from "./SessionClock";
import { Timeline } from "./Timeline";

const RATE = 8_000;

test("a session's positions and times begin where it began", () => {
  const clock = new SessionClock(new Timeline(RATE), 2 * RATE);
  expect(clock.frameAt(100)).toBe(2 * RATE + 100);
  expect(clock.sampleAt(2 * RATE + 100)).toBe(100);
  expect(clock.secondsAt(0.25)).toBe(2.25);
});

test("what was never sent is not counted by the session", () => {
  const clock = new SessionClock(new Timeline(RATE), 0);
  clock.skip(RATE, 3 * RATE);
  expect(clock.frameAt(RATE + 1)).toBe(3 * RATE + 1);
  expect(clock.sampleAt(3 * RATE)).toBe(RATE);
  expect(clock.secondsAt(1.5)).toBe(3.5);
});

test("a final that ends at a seam covers nothing on its far side", () => {
  const clock = new SessionClock(new Timeline(RATE), 0);
  clock.skip(RATE, 3 * RATE);
  expect(clock.frameAt(RATE)).toBe(RATE);
});

test("frames that were skipped are the session's next sample", () => {
  const clock = new SessionClock(new Timeline(RATE), 0);
  clock.skip(RATE, 3 * RATE);
  expect(clock.sampleAt(2 * RATE)).toBe(RATE);
});

test("times don't bend where the rate changes", () => {
  const timeline = new Timeline(48_000);
  timeline.changeRate(16_000, 48_000);
  const clock = new SessionClock(timeline, 24_000);
  expect(clock.secondsAt(1)).toBe(1.5);
});

test("times are rounded to the millisecond", () => {
  const clock = new SessionClock(new Timeline(44_100), 1);
  expect(clock.secondsAt(0.1)).toBe(0.1);
});
