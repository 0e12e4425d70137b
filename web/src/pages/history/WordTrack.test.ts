import { expect, test } from "vitest";

import { preciseClock } from "./preciseClock";
import { WordTrack } from "./WordTrack";

function trackOf(...words: [number, number][]): WordTrack {
  const track = new WordTrack();
  for (const [startSeconds, endSeconds] of words) track.push({ startSeconds, endSeconds });
  return track;
}

test.each([
  [0, -1],
  [0.5, 0],
  [0.95, 0], // it lingers until the next one begins
  [1, 1],
  [1.7, 1],
  [2, -1], // a pause
  [4, 2],
  [9, -1],
])("at %f s word %i is heard", (seconds, index) => {
  expect(trackOf([0.5, 0.9], [1, 1.5], [4, 4.2]).heardAt(seconds)).toBe(index);
});

test("of words that begin together the last one is heard", () => {
  expect(trackOf([1, 1.1], [1, 1.4]).heardAt(1)).toBe(1);
});

test("without words nothing is heard", () => {
  const track = trackOf();
  expect([track.heardAt(1), track.begunBy(1), track.endSeconds]).toEqual([-1, -1, 0]);
});

test("it finds any of very many", () => {
  const track = trackOf(...Array.from({ length: 50_000 }, (_, at): [number, number] => [at, at]));
  for (const at of [0, 1, 24_999, 49_999]) expect(track.heardAt(at + 0.1)).toBe(at);
  expect(track.length).toBe(50_000);
});

test.each([
  [0, "0:00.00"],
  [7.349, "0:07.35"],
  [59.999, "1:00.00"],
  [3_723.5, "1:02:03.50"],
])("%f s is written %s", (seconds, text) => {
  expect(preciseClock(seconds)).toBe(text);
});
