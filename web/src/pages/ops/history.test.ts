import { expect, test } from "vitest";

import {
  column,
  extended,
  latest,
  newest,
  peak,
  sessionCount,
  total,
  WINDOW_SECONDS,
} from "./history";
import { point } from "./testData";

const NOW = 1_764_000_000;

test("what is new is put to what is known, with gaps where nobody counted", () => {
  const first = extended(null, { span_seconds: 5, points: [point(NOW - 10), point(NOW)] });
  expect(first.times).toHaveLength(61);
  expect(first.times.at(-1)).toBe(NOW);
  expect(first.points.slice(-3).map((each) => each?.at)).toEqual([NOW - 10, undefined, NOW]);
  const second = extended(first, { span_seconds: 5, points: [point(NOW + 5)] });
  expect(second.times).toHaveLength(61);
  expect(second.points.slice(-4).map((each) => each?.at)).toEqual([
    NOW - 10,
    undefined,
    NOW,
    NOW + 5,
  ]);
});

test("what is too old is let go of", () => {
  const old = extended(null, { span_seconds: 5, points: [point(NOW)] });
  const series = extended(old, { span_seconds: 5, points: [point(NOW + WINDOW_SECONDS + 5)] });
  expect(series.points.filter((each) => each !== null)).toHaveLength(1);
  expect(series.times).toHaveLength(61);
});

test("half an hour is shown, and five minutes at least", () => {
  const points = [point(NOW - WINDOW_SECONDS - 5), point(NOW - WINDOW_SECONDS), point(NOW)];
  const { times } = extended(null, { span_seconds: 5, points });
  expect([times.length, times[0]]).toEqual([360, NOW - WINDOW_SECONDS]);
});

test("nothing is known of a relay that has just started", () => {
  const series = extended(null, { span_seconds: 5, points: [] });
  expect(newest(series)).toBeNull();
  expect(peak(column(series, ({ received }) => received))).toBeNull();
});

test("figures are read, and the greatest and the sum of them", () => {
  const points = [point(NOW - 5, { received: 3 }), point(NOW, { received: 2.5 })];
  const values = column(extended(null, { span_seconds: 5, points }), ({ received }) => received);
  expect(values.slice(-3)).toEqual([null, 3, 2.5]);
  expect(peak(values)).toBe(3);
  expect(total(values)).toBe(5.5);
});

test("a latency of a moment ago is still one, of two minutes ago is none", () => {
  expect(latest([4, ...Array<null>(11).fill(null)], 5)).toBe(4);
  expect(latest([4, ...Array<null>(12).fill(null)], 5)).toBeNull();
});

test("sessions of all states count", () => {
  const sessions = { queued: 1, opening: 0, open: 17, parked: 4, ending: 1 };
  expect(sessionCount(point(NOW, { sessions }))).toBe(23);
});
