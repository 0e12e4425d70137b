import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Segment } from "../client/types";
import {
  LONG_PAUSE_SECONDS,
  makeCues,
  MAX_DURATION_MS,
  MIN_DURATION_MS,
  READING_SPEED,
  type Cue,
} from "./cues";
import { columns, MAX_LINE_WIDTH, MAX_LINES } from "./lines";
import { segmentOf, spoken, wordOf } from "./spoken";

function texts(cues: readonly Cue[]): string[] {
  return cues.map(({ lines }) => lines.join(" "));
}

describe("a cue", () => {
  test("has its words' times", () => {
    const cues = makeCues([spoken("one two three four", { start: 2 })]);
    expect(cues).toEqual([{ startMs: 2000, endMs: 3500, lines: ["one two three four"] }]);
  });

  test("ends at the end of a sentence", () => {
    const cues = makeCues([spoken("We saw it all. Then we left.")]);
    expect(texts(cues)).toEqual(["We saw it all.", "Then we left."]);
  });

  test("goes on after a sentence too short to read", () => {
    expect(texts(makeCues([spoken("Yes. Then we left.")]))).toEqual(["Yes. Then we left."]);
  });

  test.each([
    "And then we met Dr. Smith and J. Brown there",
    "Это было в 1990 г. летом, т.е. давно",
  ])("goes on after an abbreviation: %s", (text) =>
    expect(texts(makeCues([spoken(text)]))).toEqual([text]),
  );

  test("ends at a pause", () => {
    const words = [wordOf("wait", 0, 0.5), wordOf("now", 0.5 + LONG_PAUSE_SECONDS, 2)];
    expect(texts(makeCues([segmentOf("wait now", { words })]))).toEqual(["wait", "now"]);
  });

  test("ends before it takes too long", () => {
    const cues = makeCues([spoken("a b c d e f", { each: 1.9 })]);
    expect(texts(cues)).toEqual(["a b c", "d e f"]);
  });

  test("that is full ends at a clause", () => {
    const first = "when the rain came down over the hills and the fields,";
    const rest = "everybody ran for the big trees by the river";
    const cues = makeCues([spoken(`${first} ${rest}`, { each: 0.2, gap: 0.05 })]);
    expect(texts(cues)).toEqual([first, rest]);
  });

  test("is not left half empty for a clause", () => {
    const text =
      "well of course, when rain came down over the hills and the fields everybody ran for the trees";
    const [first = ""] = texts(makeCues([spoken(text, { each: 0.2, gap: 0.05 })]));
    expect(first.length).toBeGreaterThan(MAX_LINE_WIDTH);
  });

  test("has no third line where a clause's end leaves too little room for a wide word", () => {
    const parts = ["a", `${"x".repeat(33)},`, "b", "y".repeat(26)];
    const spaced = parts.flatMap((part) => [wordOf(part, 0, 0), wordOf(" ", 0, 0, "spacing")]);
    const words = [...spaced.slice(0, -1), wordOf("z".repeat(MAX_LINE_WIDTH), 0, 1)];
    for (const { lines } of makeCues([segmentOf("", { words })])) {
      expect(lines.length).toBeLessThanOrEqual(MAX_LINES);
    }
  });

  test("never crosses a segment", () => {
    const cues = makeCues([spoken("one two"), spoken("three", { start: 0.8 })]);
    expect(texts(cues)).toEqual(["one two", "three"]);
  });
});

describe("the time of a cue", () => {
  test("is long enough to see it", () => {
    const [cue] = makeCues([spoken("no", { start: 3 })]);
    expect(cue).toMatchObject({ startMs: 3000, endMs: 3000 + MIN_DURATION_MS });
  });

  test("is long enough to read it", () => {
    const text = "everything was said much too fast";
    const [cue] = makeCues([spoken(text, { each: 0.1, gap: 0 })]);
    expect(cue?.endMs).toBe((text.length * 1000) / READING_SPEED);
  });

  test("gives way to the next cue", () => {
    const [first] = makeCues([spoken("no"), spoken("yes", { start: 0.5 })]);
    expect(first?.endMs).toBe(500);
  });

  test("is no longer than a cue may be", () => {
    const words = [wordOf("[music]", 0, 60, "audio_event")];
    const [cue] = makeCues([segmentOf("[music]", { words })]);
    expect(cue).toMatchObject({ startMs: 0, endMs: MAX_DURATION_MS });
  });

  test("is a moment for each of those that start together", () => {
    const cues = makeCues([spoken("no", { start: 1 }), spoken("yes", { start: 1 })]);
    expect(cues).toMatchObject([
      { startMs: 1000, endMs: 1001 },
      { startMs: 1001, endMs: 2001 },
    ]);
  });
});

describe("words", () => {
  test("without times have their share of the segment's", () => {
    const cues = makeCues([
      segmentOf("Said at first. Said after that.", { startSeconds: 10, endSeconds: 16 }),
    ]);
    expect(texts(cues)).toEqual(["Said at first.", "Said after that."]);
    expect(cues[1]?.startMs).toBe(10_000 + Math.round((6000 * 14) / 31));
  });

  test("without any time count as none", () => {
    const words = [wordOf("just", null, null), wordOf("text", null, null)];
    const cues = makeCues([segmentOf("just text", { startSeconds: 1, endSeconds: 4, words })]);
    expect(cues).toEqual([{ startMs: 1000, endMs: 4000, lines: ["just text"] }]);
  });

  test("without a time among others have their neighbours'", () => {
    const words = [wordOf("a", 1, null), wordOf("b", null, 2), wordOf("c", 1.5, 3)];
    const [cue] = makeCues([segmentOf("a b c", { endSeconds: 3, words })]);
    expect(cue).toMatchObject({ startMs: 1000, endMs: 3000 });
  });

  test("that overlap are said one after the other", () => {
    const words = [wordOf("first.", 0, 3), wordOf(" ", 3, 3, "spacing"), wordOf("then", 1, 4)];
    const cues = makeCues([segmentOf("first. then", { words })]);
    expect(cues).toMatchObject([{ endMs: 3000 }, { startMs: 3000, endMs: 4000 }]);
  });

  test("without a space between them stay joined", () => {
    const words = [wordOf("今天", 0, 0.5), wordOf("天气", 0.5, 1)];
    expect(texts(makeCues([segmentOf("今天天气", { words })]))).toEqual(["今天天气"]);
  });

  test("too wide for a line are broken, and keep the space before them", () => {
    const words = [
      wordOf("see", 0, 0.2),
      wordOf(" ", 0.2, 0.2, "spacing"),
      wordOf("y".repeat(50), 0.2, 1),
    ];
    const [first = ""] = texts(makeCues([segmentOf("see …", { words })]));
    expect(first).toMatch(/^see yyy/u);
  });
});

test.each(["laughs", "[laughs]", "(laughs)", "*laughs*", "♪ laughs ♪"])(
  "the sound %s stands in square brackets",
  (text) => {
    const words = [
      wordOf(text, 0, 1, "audio_event"),
      wordOf(" ", 1, 1, "spacing"),
      wordOf("no", 1, 2),
    ];
    expect(texts(makeCues([segmentOf("", { words })]))).toEqual(["[laughs] no"]);
  },
);

describe("cues of anything that is said", () => {
  const word = fc.record({
    text: fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 60 }),
      fc.constantFrom("no", "yes,", "there.", "今天天气很好，", "ещё?"),
    ),
    length: fc.double({ min: 0, max: 9, noNaN: true }),
    gap: fc.double({ min: 0, max: 2, noNaN: true }),
    isTimed: fc.boolean(),
  });
  const said = fc.array(
    fc.record({ words: fc.array(word, { maxLength: 20 }), hasWords: fc.boolean() }),
    {
      maxLength: 5,
    },
  );
  type Said = typeof said extends fc.Arbitrary<infer Value> ? Value : never;

  function segmentsOf(value: Said): Segment[] {
    let clock = 0;
    return value.map(({ words, hasWords }, index) => {
      const startSeconds = clock;
      const spokenWords = words.flatMap(({ text, length, gap, isTimed }) => {
        const [start, end] = [clock, clock + length];
        clock = end + gap;
        const word = isTimed ? wordOf(text, start, end) : wordOf(text, null, null);
        return [word, wordOf(" ", end, clock, "spacing")];
      });
      const text = words.map((each) => each.text).join(" ");
      return segmentOf(text, {
        index,
        startSeconds,
        endSeconds: clock,
        words: hasWords ? spokenWords : null,
      });
    });
  }

  function holdsForAll(claim: (cues: readonly Cue[], value: Said) => void): void {
    fc.assert(fc.property(said, (value) => claim(makeCues(segmentsOf(value)), value)));
  }

  test("hold every character once, in order", () => {
    holdsForAll((cues, value) => {
      const shown = texts(cues).join("").replace(/\s/gu, "");
      const all = value.flatMap(({ words }) => words.map(({ text }) => text));
      expect(shown).toBe(all.join("").replace(/\s/gu, ""));
    });
  });

  test("are in order and never overlap", () => {
    holdsForAll((cues) => {
      for (const [index, { startMs, endMs }] of cues.entries()) {
        expect(startMs).toBeLessThan(endMs);
        expect(endMs).toBeLessThanOrEqual(cues[index + 1]?.startMs ?? Infinity);
      }
    });
  });

  test("keep within their lines and their longest time", () => {
    holdsForAll((cues) => {
      for (const { startMs, endMs, lines } of cues) {
        expect(endMs - startMs).toBeLessThanOrEqual(MAX_DURATION_MS);
        expect(lines.length).toBeLessThanOrEqual(MAX_LINES);
        for (const line of lines) expect(columns(line)).toBeLessThanOrEqual(MAX_LINE_WIDTH);
      }
    });
  });

  test("can be read where the next one leaves the time", () => {
    holdsForAll((cues) => {
      for (const [index, { startMs, endMs, lines }] of cues.entries()) {
        const room = (cues[index + 1]?.startMs ?? Infinity) - endMs;
        const seconds = (endMs - startMs) / 1000;
        if (room > 0) expect(columns(lines.join("")) / seconds).toBeLessThanOrEqual(READING_SPEED);
      }
    });
  });
});
