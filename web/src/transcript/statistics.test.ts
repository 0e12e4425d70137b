import { expect, test, vi } from "vitest";

import { segmentOf } from "./spoken";
import { addStatistics, emptyStatistics, type Statistics } from "./statistics";

function statisticsOf(...segments: [text: string, endSeconds: number][]): Statistics {
  return segments.reduce(
    (sum, [text, endSeconds]) => addStatistics(sum, segmentOf(text, { endSeconds })),
    emptyStatistics,
  );
}

test("words and segments add up", () => {
  expect(statisticsOf(["one two", 2], ["three", 4])).toMatchObject({ words: 3, segments: 2 });
});

test("the duration is what the segments cover", () => {
  expect(statisticsOf(["one", 2], ["two", 4.5]).durationSeconds).toBe(4.5);
});

test("the pace is words by minutes, rounded", () => {
  expect(statisticsOf(["one two three", 7]).wordsPerMinute).toBe(26);
});

test("a pace is told from five seconds on", () => {
  expect(statisticsOf(["one two", 4.99]).wordsPerMinute).toBeNull();
  expect(statisticsOf(["one two", 5]).wordsPerMinute).toBe(24);
});

test("adding a segment counts no other", () => {
  const segment = vi.spyOn(Intl.Segmenter.prototype, "segment");
  const before = statisticsOf(["one two", 2], ["three", 4]);
  segment.mockClear();
  addStatistics(before, segmentOf("four"));
  expect(segment.mock.calls).toEqual([["four"]]);
});
