import fc from "fast-check";
import { describe, expect, test } from "vitest";

import { segmentOf, spoken, wordOf } from "./spoken";
import {
  appendBreak,
  appendGap,
  appendSegment,
  BLOCK_SIZE,
  emptyTranscript,
  segmentsOf,
  setPartial,
  type Transcript,
} from "./Transcript";

const GAP = { startSeconds: 1, endSeconds: 2, reason: "buffer_full" };
const BREAK = { atSeconds: 3, lastedMs: 6_000, missingSeconds: 0 };

function transcriptOf(count: number): Transcript {
  let transcript = emptyTranscript;
  for (let index = 0; index < count; index += 1) {
    transcript = appendSegment(transcript, segmentOf(`text ${index}`, { index }));
  }
  return transcript;
}

describe("entries", () => {
  test("stand in the order in which they came", () => {
    const transcript = appendBreak(appendGap(transcriptOf(1), GAP), BREAK);
    const kinds = appendSegment(transcript, segmentOf("more", { index: 1 })).entries.map(
      ({ kind }) => kind,
    );
    expect(kinds).toEqual(["segment", "gap", "break", "segment"]);
  });

  test("keep their identity while the partial changes", () => {
    const transcript = transcriptOf(3);
    expect(setPartial(transcript, "and").entries).toBe(transcript.entries);
  });

  test("of an older transcript are never touched", () => {
    const older = transcriptOf(3);
    const copy = structuredClone(older);
    appendSegment(appendGap(older, GAP), spoken("text 1", { index: 1 }));
    expect(older).toEqual(copy);
  });
});

describe("a segment that is there already", () => {
  test("is dropped when it comes again", () => {
    const transcript = transcriptOf(3);
    expect(appendSegment(transcript, segmentOf("text 1", { index: 1 }))).toBe(transcript);
  });

  test("gets its words where it stands", () => {
    const transcript = appendGap(transcriptOf(2), GAP);
    const timed = spoken("text 0", { index: 0 });
    const { entries } = appendSegment(transcript, timed);
    expect(entries[0]).toEqual({ kind: "segment", segment: timed });
    expect(entries).toHaveLength(3);
  });

  test("gets its language without words", () => {
    const known = segmentOf("text 0", { languageCode: "en" });
    expect(segmentsOf(appendSegment(transcriptOf(1), known))).toEqual([known]);
  });

  test("keeps the words that came before the plain event", () => {
    const timed = spoken("text 0");
    const transcript = appendSegment(emptyTranscript, timed);
    expect(segmentsOf(appendSegment(transcript, segmentOf("text 0")))).toEqual([timed]);
  });

  test("leaves the partial of the next one alone", () => {
    const transcript = setPartial(transcriptOf(1), "the next");
    expect(appendSegment(transcript, spoken("text 0")).partial).toBe("the next");
  });
});

describe("the partial", () => {
  test("is replaced by the next one", () => {
    expect(setPartial(setPartial(emptyTranscript, "I th"), "I think").partial).toBe("I think");
  });

  test("that is repeated changes nothing", () => {
    const transcript = setPartial(emptyTranscript, "I think");
    expect(setPartial(transcript, "I think")).toBe(transcript);
  });

  test("ends with its segment", () => {
    const transcript = setPartial(emptyTranscript, "I think");
    expect(appendSegment(transcript, segmentOf("I think so.")).partial).toBe("");
  });
});

describe("blocks", () => {
  test("hold the entries, full ones first", () => {
    const { blocks, entries } = transcriptOf(2 * BLOCK_SIZE + 1);
    expect(blocks.map((block) => block.length)).toEqual([BLOCK_SIZE, BLOCK_SIZE, 1]);
    expect(blocks.flat()).toEqual(entries);
  });

  test("keep their identity when an entry comes after them", () => {
    const before = transcriptOf(2 * BLOCK_SIZE);
    const after = appendGap(before, GAP);
    expect(after.blocks[0]).toBe(before.blocks[0]);
    expect(after.blocks[1]).toBe(before.blocks[1]);
  });

  test("are new where a segment got its words, and nowhere else", () => {
    const before = transcriptOf(3 * BLOCK_SIZE);
    const index = BLOCK_SIZE + 5;
    const words = [wordOf("text", 0, 1)];
    const after = appendSegment(before, segmentOf(`text ${index}`, { index, words }));
    const changed = after.blocks.map((block, number) => block !== before.blocks[number]);
    expect(changed).toEqual([false, true, false]);
  });
});

test("no order of events doubles, loses or moves a segment", () => {
  const event = fc.record({ index: fc.nat(200), isTimed: fc.boolean() });
  fc.assert(
    fc.property(fc.array(event, { maxLength: 400 }), (events) => {
      let transcript = emptyTranscript;
      for (const { index, isTimed } of events) {
        const words = isTimed ? [wordOf("a", 0, 1)] : null;
        transcript = appendSegment(transcript, segmentOf("a", { index, words }));
      }
      const shown = segmentsOf(transcript);
      expect(shown.map(({ index }) => index)).toEqual([
        ...new Set(events.map(({ index }) => index)),
      ]);
      const timed = new Set(events.filter(({ isTimed }) => isTimed).map(({ index }) => index));
      for (const { index, words } of shown) expect(words !== null).toBe(timed.has(index));
      expect(transcript.blocks.flat()).toEqual(transcript.entries);
    }),
  );
});
