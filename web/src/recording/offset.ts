/** What a later start says, moved onto the timeline of all starts. Pure. */

import type { Break, Gap, Segment, Word } from "../client/types";

/** Where a start begins. */
export interface Offset {
  readonly seconds: number;
  /** Segments before it. */
  readonly segments: number;
}

export const noOffset: Offset = { seconds: 0, segments: 0 };

export function moveSegment(segment: Segment, offset: Offset): Segment {
  return {
    ...segment,
    index: segment.index + offset.segments,
    startSeconds: segment.startSeconds + offset.seconds,
    endSeconds: segment.endSeconds + offset.seconds,
    words: segment.words?.map((word) => moveWord(word, offset)) ?? null,
  };
}

export function moveGap(gap: Gap, { seconds }: Offset): Gap {
  return {
    ...gap,
    startSeconds: gap.startSeconds + seconds,
    endSeconds: gap.endSeconds + seconds,
  };
}

export function moveBreak(mended: Break, { seconds }: Offset): Break {
  return { ...mended, atSeconds: mended.atSeconds + seconds };
}

function moveWord(word: Word, { seconds }: Offset): Word {
  const move = (time: number | null) => (time === null ? null : time + seconds);
  return { ...word, start: move(word.start), end: move(word.end) };
}
