import { expect, test } from "vitest";
import { Timeline } from "./Timeline";

test("seconds are frames by the rate that each came at", () => {
  const timeline = new Timeline(48_000);
  timeline.changeRate(16_000, 48_000);
  expect(timeline.secondsAt(24_000)).toBe(0.5);
  expect(timeline.secondsAt(48_000)).toBe(1);
  expect(timeline.secondsAt(56_000)).toBe(1.5);
});

test("a frame at a change of rate has the new rate", () => {
  const timeline = new Timeline(48_000);
  timeline.changeRate(16_000, 100);
  expect(timeline.rateAt(99)).toBe(48_000);
  expect(timeline.rateAt(100)).toBe(16_000);
});

test("of several changes at one frame the last one counts", () => {
  const timeline = new Timeline(48_000);
  timeline.changeRate(44_100, 0);
  timeline.changeRate(8_000, 0);
  expect(timeline.secondsAt(8_000)).toBe(1);
});
