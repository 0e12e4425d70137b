import { expect, test } from "vitest";

import { courseOf, isTrouble } from "./course";
import type { Entry } from "./types";

const TIMELINE: Entry[] = [
  { at: 1, kind: "began", code: "new" },
  { at: 2, kind: "commit", seconds: 0.4 },
  { at: 3, kind: "lag", seconds: 0.003 },
  { at: 4, kind: "failed", code: "lost" },
  { at: 5, kind: "commit", seconds: 1.5 },
];

test("the newest stands first, without what is routine", () => {
  expect(courseOf(TIMELINE, false).entries.map(({ at }) => at)).toEqual([4, 1]);
  expect(courseOf(TIMELINE, true).entries.map(({ at }) => at)).toEqual([5, 4, 3, 2, 1]);
});

test("what is routine is summed up", () => {
  const { finals, slowestFinal, worstLag } = courseOf(TIMELINE, false);
  expect([finals, slowestFinal, worstLag]).toEqual([2, 1.5, 0.003]);
  expect(courseOf([], false)).toEqual({
    entries: [],
    finals: 0,
    slowestFinal: null,
    worstLag: null,
  });
});

test("trouble is told apart", () => {
  expect(TIMELINE.filter(isTrouble).map(({ kind }) => kind)).toEqual(["failed"]);
});
