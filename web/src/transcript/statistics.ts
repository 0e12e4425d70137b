/** Figures of a transcript, kept up as segments come: adding one counts its words alone. */

import type { Segment } from "../client/types";
import { countWords } from "./words";

export interface Statistics {
  readonly words: number;
  readonly segments: number;
  /** From the first sample to the end of the last segment: the time that the words took. */
  readonly durationSeconds: number;
  /** Null as long as a pace would mean nothing. */
  readonly wordsPerMinute: number | null;
}

/** From how many seconds on a pace is told; in less, one word more or less changes it too much. */
export const LEAST_DURATION_SECONDS = 5;

export const emptyStatistics: Statistics = {
  words: 0,
  segments: 0,
  durationSeconds: 0,
  wordsPerMinute: null,
};

/** Count one more segment. Each only once: its timed event brings no new words. */
export function addStatistics(statistics: Statistics, segment: Segment): Statistics {
  const words = statistics.words + countWords(segment.text);
  const durationSeconds = Math.max(statistics.durationSeconds, segment.endSeconds);
  return {
    words,
    segments: statistics.segments + 1,
    durationSeconds,
    wordsPerMinute: wordsPerMinute(words, durationSeconds),
  };
}

/** The pace, rounded; null below `LEAST_DURATION_SECONDS`. */
function wordsPerMinute(words: number, durationSeconds: number): number | null {
  if (durationSeconds < LEAST_DURATION_SECONDS) return null;
  return Math.round((words * 60) / durationSeconds);
}
