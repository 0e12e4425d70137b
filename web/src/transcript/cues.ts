/**
 * Segments and words in, subtitles out. Pure.
 *
 * The relay's own exports are made in the same way, with the same limits. A cue never crosses a
 * segment, so what was committed apart is shown apart.
 */

import type { Segment } from "../client/types";
import { columns, endsPart, MAX_LINE_WIDTH, MAX_LINES, wrap } from "./lines";
import { piecesOf, type Piece } from "./pieces";

/**
 * Milliseconds that a cue stays where the next one leaves room for it.
 *
 * Source: rounded up from Netflix, Timed Text Style Guide, General Requirements: 5/6 s.
 */
export const MIN_DURATION_MS = 1_000;

/** Milliseconds after which a cue ends. Source: Netflix, General Requirements: 7 s. */
export const MAX_DURATION_MS = 7_000;

/** Players drop a cue that ends when it starts. Source: WebVTT, section 4.1. */
export const SHORTEST_MS = 1;

/** Seconds of silence between two words that end a cue. */
export const LONG_PAUSE_SECONDS = 0.7;

/**
 * Columns that are read in a second: a cue stays as long as that takes, where there is room.
 *
 * Source: Netflix, Timed Text Style Guide, English: 20 characters per second for adults. For
 * Chinese it asks for 9, near the 10 that 20 columns are.
 */
export const READING_SPEED = 20;

const SENTENCE_END = /[.!?…。！？।]["'”’»)\]」』）]*$/u;
const NOT_A_SENTENCE_END =
  /(?:^|\s)(?:[\p{L}\p{N}_]|Dr|Mr|Mrs|Ms|Prof|St|No|Nr|vs|etc|e\.g|i\.e|т\.е|т\.к|им|ул)\.$/u;

/** What stands on the screen from `startMs` to `endMs`, in whole milliseconds, as files have it. */
export interface Cue {
  readonly startMs: number;
  readonly endMs: number;
  readonly lines: readonly string[];
}

/** Cut segments into cues of readable length that never overlap, in order of time. */
export function makeCues(segments: readonly Segment[]): readonly Cue[] {
  const groups = segments.flatMap((segment) => group(piecesOf(segment)));
  const starts = startsOf(groups);
  return groups.map((pieces, index) => {
    const startMs = starts[index] ?? 0;
    return settle(pieces, startMs, starts[index + 1] ?? Infinity);
  });
}

/** When each cue starts: with its first piece, but always after the one before. */
function startsOf(groups: readonly (readonly Piece[])[]): readonly number[] {
  let earliest = 0;
  return groups.map(([first]) => {
    const start = Math.max(earliest, inMs(first?.startSeconds ?? 0));
    earliest = start + SHORTEST_MS;
    return start;
  });
}

/** Keep a cue long enough to be read, no longer than is allowed, and out of the next one. */
function settle(pieces: readonly Piece[], startMs: number, nextStartMs: number): Cue {
  const text = textOf(pieces);
  const readingMs = Math.ceil((columns(text) * 1_000) / READING_SPEED);
  const spokenMs = inMs(pieces.at(-1)?.endSeconds ?? 0) - startMs;
  const wantedMs = Math.max(spokenMs, readingMs, MIN_DURATION_MS);
  const endMs = Math.min(startMs + Math.min(wantedMs, MAX_DURATION_MS), nextStartMs);
  return { startMs, endMs, lines: wrap(text) };
}

/** Collect pieces into cues. */
function group(pieces: readonly Piece[]): Piece[][] {
  const groups: Piece[][] = [];
  let open: Piece[] = [];
  for (const piece of pieces) {
    for (let count = finished(open, piece); count > 0; count = finished(open, piece)) {
      groups.push(open.slice(0, count));
      open = open.slice(count);
    }
    open.push(piece);
  }
  return open.length > 0 ? [...groups, open] : groups;
}

/** How many pieces of the open group are a cue of their own, now that this one follows; 0 for none. */
function finished(open: readonly Piece[], next: Piece): number {
  const [first, last] = [open[0], open.at(-1)];
  if (first === undefined || last === undefined) return 0;
  if (next.startSeconds - last.endSeconds >= LONG_PAUSE_SECONDS) return open.length;
  const text = textOf(open);
  const lastedMs = (last.endSeconds - first.startSeconds) * 1_000;
  if (isSentence(text) && lastedMs >= MIN_DURATION_MS) return open.length;
  const tookMs = (next.endSeconds - first.startSeconds) * 1_000;
  if (tookMs <= MAX_DURATION_MS && fits(text + next.text)) return 0;
  return upToPart(open, columns(text));
}

/**
 * A full cue ends at a clause, unless the cue would be left half empty by it.
 *
 * Source: BBC, Subtitle Guidelines, 3.9, on long sentences.
 */
function upToPart(open: readonly Piece[], width: number): number {
  for (let count = open.length; count > 1; count -= 1) {
    const text = textOf(open.slice(0, count));
    if (columns(text) < width / 2) break;
    if (endsPart(text)) return count;
  }
  return open.length;
}

function isSentence(text: string): boolean {
  return SENTENCE_END.test(text) && !NOT_A_SENTENCE_END.test(text);
}

function fits(text: string): boolean {
  const width = columns(text);
  // A space may stand at each break.
  if (width > MAX_LINES * (MAX_LINE_WIDTH + 1)) return false;
  return width <= MAX_LINE_WIDTH || wrap(text).length <= MAX_LINES;
}

function textOf(pieces: readonly Piece[]): string {
  return pieces
    .map(({ text }) => text)
    .join("")
    .trim();
}

function inMs(seconds: number): number {
  return Math.round(seconds * 1_000);
}
