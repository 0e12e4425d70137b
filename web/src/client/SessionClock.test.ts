import { expect, test } from "vitest";
import { SessionClock } from "./SessionClock";
import { Timeline } from "./Timeline";

const RATE = 8_000;

test("a session's positions and times begin where it began", () => {
  const clock = new SessionClock(new Timeline(RATE), 2 * RATE, RATE);
  expect(clock.frameAt(100)).toBe(2 * RATE + 100);
  expect(clock.sampleAt(2 * RATE + 100)).toBe(100);
  expect(clock.startAt(0.25)).toBe(2.25);
});

test("what was never sent is not counted by the session", () => {
  const clock = new SessionClock(new Timeline(RATE), 0, RATE);
  clock.skip(RATE, 3 * RATE);
  expect(clock.frameAt(RATE + 1)).toBe(3 * RATE + 1);
  expect(clock.sampleAt(3 * RATE)).toBe(RATE);
  expect(clock.startAt(1.5)).toBe(3.5);
});

test("a final that ends at a seam covers nothing on its far side", () => {
  const clock = new SessionClock(new Timeline(RATE), 0, RATE);
  clock.skip(RATE, 3 * RATE);
  expect(clock.frameAt(RATE)).toBe(RATE);
});

test("frames that were skipped are the session's next sample", () => {
  const clock = new SessionClock(new Timeline(RATE), 0, RATE);
  clock.skip(RATE, 3 * RATE);
  expect(clock.sampleAt(2 * RATE)).toBe(RATE);
});

test("times don't bend where the rate changes", () => {
  const timeline = new Timeline(48_000);
  timeline.changeRate(16_000, 48_000);
  const clock = new SessionClock(timeline, 24_000, 48_000);
  expect(clock.startAt(1)).toBe(1.5);
});

test("times are rounded to the millisecond", () => {
  const clock = new SessionClock(new Timeline(44_100), 1, RATE);
  expect(clock.startAt(0.1)).toBe(0.1);
});

test("a word that ends at a seam ends before it, one that begins there begins behind it", () => {
  const clock = new SessionClock(new Timeline(RATE), 0, RATE);
  clock.skip(RATE, 3 * RATE);
  // As the relay rounds them.
  expect([clock.endAt(1), clock.endAt(1.0005)]).toEqual([1, 1.001]);
  expect([clock.startAt(1), clock.startAt(0.9995)]).toEqual([3, 3]);
});

test("a second hole before an earlier one replaces it", () => {
  const clock = new SessionClock(new Timeline(RATE), 0, RATE);
  clock.skip(RATE, 2 * RATE);
  clock.skip(RATE / 2, 3 * RATE);
  expect(clock.frameAt(RATE)).toBe(3.5 * RATE);
  expect(clock.startAt(1)).toBe(3.5);
});

test("a second hole at the same place replaces it too", () => {
  const clock = new SessionClock(new Timeline(RATE), 0, RATE);
  clock.skip(RATE, 2 * RATE);
  clock.skip(RATE, 3 * RATE);
  expect(clock.sampleAt(3 * RATE)).toBe(RATE);
  expect(clock.frameAt(RATE + 1)).toBe(3 * RATE + 1);
});

test("what the relay counts without hearing has the rate that it knew", () => {
  const timeline = new Timeline(RATE);
  timeline.changeRate(2 * RATE, RATE);
  const clock = new SessionClock(timeline, 0, RATE);
  clock.leaveOut(RATE, 3 * RATE); // a second, which the relay takes for two
  expect(clock.startAt(3.5)).toBe(2.5);
  clock.leaveOut(3 * RATE, 5 * RATE); // and once more, without a sample between
  expect(clock.startAt(5.5)).toBe(3.5);
  expect(clock.endAt(1)).toBe(1);
});

test("the relay may tell of it after something else was skipped", () => {
  const timeline = new Timeline(RATE);
  timeline.changeRate(2 * RATE, RATE);
  const clock = new SessionClock(timeline, 0, RATE);
  clock.skip(3 * RATE, 5 * RATE);
  clock.leaveOut(RATE, 3 * RATE);
  expect(clock.frameAt(3 * RATE + 1)).toBe(5 * RATE + 1);
  expect(clock.startAt(3.5)).toBe(3.5);
});
