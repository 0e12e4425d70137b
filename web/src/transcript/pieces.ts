/** What subtitles are made of: words with their times. Pure. */

import type { Segment, Word } from "../client/types";
import { columns, MAX_LINE_WIDTH } from "./lines";

/** A word with the space before it, and when it is said, in seconds. */
export interface Piece {
  readonly text: string;
  readonly startSeconds: number;
  readonly endSeconds: number;
}

/** Cut a segment into timed pieces, in order, each no wider than a line. */
export function piecesOf(segment: Segment): readonly Piece[] {
  const { words, startSeconds, endSeconds } = segment;
  const pieces = words?.some(({ start }) => start !== null)
    ? timed(words, startSeconds)
    : spread(oneLine(segment.text), startSeconds, endSeconds);
  return pieces.flatMap(cutWide);
}

/** A text without line breaks, and with single spaces. */
export function oneLine(text: string): string {
  return text.trim().replace(/\s+/gu, " ");
}

/** Join each word with the space before it; missing times are the neighbours'. */
function timed(words: readonly Word[], startSeconds: number): Piece[] {
  const pieces: Piece[] = [];
  let latest = startSeconds;
  let space = "";
  for (const word of words) {
    if (word.type === "spacing") {
      space = " ";
      continue;
    }
    const start = Math.max(latest, word.start ?? latest);
    latest = Math.max(start, word.end ?? start);
    const text = textOf(word);
    if (text === "") continue;
    pieces.push({ text: space + text, startSeconds: start, endSeconds: latest });
    space = "";
  }
  return pieces;
}

/**
 * A sound stands in square brackets, whatever the provider puts around it.
 *
 * Source: Netflix, Timed Text Style Guide, English, on sound effects.
 */
function textOf(word: Word): string {
  const text = oneLine(word.text);
  if (word.type !== "audio_event") return text;
  const sound = text.replace(/^[([*♪\s]+|[)\]*♪\s]+$/gu, "");
  return sound === "" ? "" : `[${sound}]`;
}

/** Give each word of an untimed text its share of the time, by its width. */
function spread(text: string, startSeconds: number, endSeconds: number): Piece[] {
  return share(text.match(/\s?\S+/gu) ?? [], startSeconds, endSeconds);
}

/** Cut a piece that no line can hold, such as a whole sentence of Chinese. */
function cutWide(piece: Piece): readonly Piece[] {
  const text = piece.text.trimStart();
  if (columns(text) <= MAX_LINE_WIDTH) return [piece];
  const space = piece.text.slice(0, piece.text.length - text.length);
  const [first = "", ...rest] = text.match(/\P{M}\p{M}*|\p{M}+/gu) ?? [];
  return share([space + first, ...rest], piece.startSeconds, piece.endSeconds);
}

function share(texts: readonly string[], startSeconds: number, endSeconds: number): Piece[] {
  const widths = texts.map(columns);
  const total = widths.reduce((sum, width) => sum + width, 0);
  const secondsPerColumn = (endSeconds - startSeconds) / Math.max(1, total);
  let position = 0;
  return texts.map((text, index) => {
    const start = startSeconds + position * secondsPerColumn;
    position += widths[index] ?? 0;
    return { text, startSeconds: start, endSeconds: startSeconds + position * secondsPerColumn };
  });
}
