import { expect, test } from "vitest";

import { runsOf, secondsByMark, SPANS } from "./recent";

test("a strip ends now, at the right", () => {
  expect(runsOf("oob")).toEqual([
    { mark: "o", start: SPANS - 3, length: 2 },
    { mark: "b", start: SPANS - 1, length: 1 },
  ]);
  expect(runsOf("")).toEqual([]);
});

test("a strip has room for ten minutes", () => {
  expect(runsOf("p" + "o".repeat(SPANS))).toEqual([{ mark: "o", start: 0, length: SPANS }]);
});

test("marks of a newer relay are passed over", () => {
  expect(runsOf("o?o")).toEqual([{ mark: "o", start: SPANS - 2, length: 2 }]);
});

test("the worst is told first", () => {
  expect(secondsByMark("oogopp")).toEqual([
    ["g", 10],
    ["p", 20],
    ["o", 30],
  ]);
});
