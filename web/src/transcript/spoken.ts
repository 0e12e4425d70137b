/** Segments for tests. */

import type { Segment, Word } from "../client/types";

/** A segment of which only the bounds are known, unless told otherwise. */
export function segmentOf(text: string, fields: Partial<Segment> = {}): Segment {
  return {
    index: 0,
    text,
    startSeconds: 0,
    endSeconds: 1,
    cause: "vad",
    words: null,
    languageCode: null,
    ...fields,
  };
}

export function wordOf(
  text: string,
  start: number | null,
  end: number | null,
  type = "word",
): Word {
  return { text, start, end, type };
}

/** Say each word of `text` for `each` seconds, with `gap` seconds between two. */
export function spoken(
  text: string,
  { start = 0, each = 0.3, gap = 0.1, index = 0 } = {},
): Segment {
  const words: Word[] = [];
  let clock = start;
  for (const word of text.split(" ")) {
    if (words.length > 0) words.push(wordOf(" ", clock, (clock += gap), "spacing"));
    words.push(wordOf(word, clock, (clock += each)));
  }
  return segmentOf(text, { index, startSeconds: start, endSeconds: clock, words });
}
