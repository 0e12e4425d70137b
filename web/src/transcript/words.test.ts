import { describe, expect, test } from "vitest";

import { countWords, wordCounter } from "./words";

describe("with a segmenter", () => {
  test.each([
    ["English", "Don’t worry – it costs 38.5 dollars!", 6],
    ["Russian", "Съешь ещё этих мягких французских булок, да выпей чаю.", 9],
    ["Chinese", "今天天气很好。", 3],
    ["Japanese", "私は学生です。", 4],
    ["nothing", " … ", 0],
  ])("%s is counted", (_, text, words) => {
    expect(countWords(text)).toBe(words);
  });
});

describe("without a segmenter", () => {
  const count = wordCounter(undefined);

  test("words stand between spaces", () => {
    expect(count(" Съешь ещё  этих\nбулок, да выпей. ")).toBe(6);
  });

  test("punctuation alone is no word", () => {
    expect(count("Это — чай!")).toBe(2);
  });

  test("an empty text has none", () => {
    expect(count("")).toBe(0);
  });
});
