import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { columns, MAX_LINE_WIDTH, wrap } from "./lines";

describe("columns", () => {
  test.each([
    ["abc", 3],
    ["Ёжик", 4],
    ["今天", 4],
    ["ｱﾞ", 2],
    ["Ｗ，", 4],
    ["e\u0301", 1],
    ["👍", 2],
  ])("%s takes %i", (text, expected) => {
    expect(columns(text)).toBe(expected);
  });
});

describe("lines", () => {
  test("of a short text are one", () => {
    expect(wrap("a".repeat(MAX_LINE_WIDTH))).toEqual(["a".repeat(MAX_LINE_WIDTH)]);
  });

  test("of a long text are two, as even as they can be", () => {
    expect(wrap("the quick brown fox jumps over the lazy dog again")).toEqual([
      "the quick brown fox jumps",
      "over the lazy dog again",
    ]);
  });

  test("rather break after punctuation than be quite even", () => {
    expect(wrap("When the rain came down, everybody ran for the trees")).toEqual([
      "When the rain came down,",
      "everybody ran for the trees",
    ]);
    expect(wrap("Before the rain, everybody had run for the trees")).toEqual([
      "Before the rain,",
      "everybody had run for the trees",
    ]);
  });

  test("are no wider for the punctuation's sake than a line may be", () => {
    const [first = ""] = wrap("Well, everybody who could had run for the big trees there");
    expect(first).not.toBe("Well,");
  });

  test("of wide characters break anywhere", () => {
    expect(wrap("今".repeat(26))).toEqual(["今".repeat(13), "今".repeat(13)]);
  });

  test("never begin with closing punctuation", () => {
    const [, second] = wrap(`${"今".repeat(13)}」${"天".repeat(12)}`);
    expect(second).not.toMatch(/^」/u);
  });

  test("never end with opening punctuation", () => {
    const [first] = wrap(`${"今".repeat(12)}「${"天".repeat(13)}`);
    expect(first).not.toMatch(/「$/u);
  });

  test("have no space at either end", () => {
    expect(wrap(`${"x".repeat(24)} ${"今".repeat(13)}`)).toEqual(["x".repeat(24), "今".repeat(13)]);
  });

  test("of one wide word break inside it", () => {
    expect(wrap("x".repeat(100)).map((line) => line.length)).toEqual([42, 29, 29]);
  });

  test("keep an accent with its letter", () => {
    for (const line of wrap("e\u0301".repeat(60))) expect(line).toMatch(/^e/u);
  });

  test("keep everything, and are never too wide", () => {
    fc.assert(
      fc.property(fc.string({ unit: "grapheme", maxLength: 300 }), (text) => {
        const line = text.trim().replace(/\s+/gu, " ");
        const lines = wrap(line);
        expect(lines.join("").replace(/\s/gu, "")).toBe(line.replace(/\s/gu, ""));
        for (const each of lines) expect(columns(each)).toBeLessThanOrEqual(MAX_LINE_WIDTH);
      }),
    );
  });
});
