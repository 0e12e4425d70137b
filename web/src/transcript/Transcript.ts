/** What was said so far, as pages show it. Pure; a transcript is never changed, only followed by another. */

import type { Break, Gap, Segment } from "../client/types";

/** One thing to show, in the order in which they came. */
export type Entry =
  | { readonly kind: "segment"; readonly segment: Segment }
  | { readonly kind: "gap"; readonly gap: Gap }
  | { readonly kind: "break"; readonly break_: Break };

export interface Transcript {
  /**
   * The entries again, `BLOCK_SIZE` to each block but the last. A block keeps its identity until
   * an entry of its own changes, so a page that remembers what it drew for a block draws one anew.
   */
  readonly blocks: readonly (readonly Entry[])[];
  /** A new array when an entry came or changed; the entries in it stay the same objects. */
  readonly entries: readonly Entry[];
  /** The open segment so far; empty between segments. */
  readonly partial: string;
}

/**
 * Entries in a block. A new entry costs drawing one block and comparing all of them, which is
 * least where both numbers are the same: the longest session of a user, 240 min with a segment
 * every 3 to 4 s, has some 4096 entries, which is 64 × 64.
 */
export const BLOCK_SIZE = 64;

export const emptyTranscript: Transcript = { blocks: [], entries: [], partial: "" };

/**
 * Add a segment, or what is now known of it.
 *
 * A segment that is there already is replaced where the new one has words or a language that it
 * lacks; else it stays, and the same transcript is returned. A new segment ends the partial.
 */
export function appendSegment(transcript: Transcript, segment: Segment): Transcript {
  const place = placeOf(transcript, segment.index);
  const entry: Entry = { kind: "segment", segment };
  if (place < 0) return { ...append(transcript, entry), partial: "" };
  const known = transcript.entries[place];
  if (known?.kind === "segment" && !knowsMore(segment, known.segment)) return transcript;
  return replace(transcript, place, entry);
}

/** Add a stretch that no segment covers. */
export function appendGap(transcript: Transcript, gap: Gap): Transcript {
  return append(transcript, { kind: "gap", gap });
}

/** Add a line that broke and was mended. */
export function appendBreak(transcript: Transcript, break_: Break): Transcript {
  return append(transcript, { kind: "break", break_ });
}

/** Replace the open segment's text; the provider often repeats it, then nothing changes. */
export function setPartial(transcript: Transcript, partial: string): Transcript {
  return partial === transcript.partial ? transcript : { ...transcript, partial };
}

/** The segments alone, in order. */
export function segmentsOf({ entries }: Pick<Transcript, "entries">): Segment[] {
  return entries.flatMap((entry) => (entry.kind === "segment" ? [entry.segment] : []));
}

/** Where a segment stands among the entries, or −1. It is nearly always one of the last. */
function placeOf({ entries }: Transcript, index: number): number {
  return entries.findLastIndex(
    (entry) => entry.kind === "segment" && entry.segment.index === index,
  );
}

/** The timed event usually comes second, but not always: the plain one must not undo it. */
function knowsMore(segment: Segment, known: Segment): boolean {
  return (
    (segment.words !== null && known.words === null) ||
    (segment.languageCode !== null && known.languageCode === null)
  );
}

function append(transcript: Transcript, entry: Entry): Transcript {
  const { blocks } = transcript;
  const last = blocks.at(-1);
  if (last === undefined || last.length === BLOCK_SIZE) {
    return withBlocks(transcript, [...blocks, [entry]]);
  }
  return withBlocks(transcript, blocks.with(-1, [...last, entry]));
}

function replace(transcript: Transcript, place: number, entry: Entry): Transcript {
  const number = Math.floor(place / BLOCK_SIZE);
  const blocks = transcript.blocks.map((block, index) =>
    index === number ? block.with(place % BLOCK_SIZE, entry) : block,
  );
  return withBlocks(transcript, blocks);
}

/** Flattening copies a pointer for each entry: a fraction of a millisecond, once in some seconds. */
function withBlocks(transcript: Transcript, blocks: Transcript["blocks"]): Transcript {
  return { ...transcript, blocks, entries: blocks.flat() };
}
