/**
 * A transcript as files. Pure.
 *
 * All are UTF-8 and end their lines with a line feed, which SubRip's and WebVTT's readers take as
 * well as CR LF. An empty transcript is a valid file in each format.
 */

import type { Gap, Segment, Word } from "../client/types";
import { makeCues, type Cue } from "./cues";
import { oneLine } from "./pieces";
import { segmentsOf, type Entry, type Transcript } from "./Transcript";

export type Format = "txt" | "srt" | "vtt" | "json";

export const FORMATS: readonly Format[] = ["txt", "srt", "vtt", "json"];

/** Source: IANA, except SubRip's, which has none registered but this one in use. */
export const MEDIA_TYPES: Readonly<Record<Format, string>> = {
  txt: "text/plain;charset=utf-8",
  srt: "application/x-subrip;charset=utf-8",
  vtt: "text/vtt;charset=utf-8",
  json: "application/json",
};

/** What `toJson` writes. Times are seconds from the first sample. */
export interface TranscriptFile {
  /** Rises when a field changes its meaning or goes; new fields don't raise it. */
  version: 1;
  /** ISO code of the language that most segments are in; null where none is known. */
  language: string | null;
  /** All segments, with a space between two. */
  text: string;
  segments: {
    text: string;
    start: number;
    end: number;
    language_code: string | null;
    /** Null where only the segment's own bounds are known. */
    words: Pick<Word, "text" | "start" | "end" | "type">[] | null;
  }[];
  /** Stretches that no segment covers. */
  gaps: { start: number; end: number; reason: string }[];
}

type Entries = Pick<Transcript, "entries">;

/**
 * Write one line for each segment; a gap is a note in square brackets.
 *
 * @param describeGap The note without its brackets, in the reader's language.
 */
export function toTxt({ entries }: Entries, describeGap: (gap: Gap) => string = inEnglish): string {
  return entries.map((entry) => lineOf(entry, describeGap)).join("");
}

/** Write SubRip. */
export function toSrt(transcript: Entries): string {
  const blocks = makeCues(segmentsOf(transcript)).map((cue, index) => {
    // SubRip has no escapes, and players look for the arrow.
    const text = cue.lines.join("\n").replaceAll("-->", "->");
    return `${index + 1}\n${times(cue, ",")}\n${text}\n`;
  });
  return blocks.join("\n");
}

/** Write WebVTT. */
export function toVtt(transcript: Entries): string {
  const blocks = makeCues(segmentsOf(transcript)).map(
    (cue) => `${times(cue, ".")}\n${escaped(cue.lines.join("\n"))}\n`,
  );
  return ["WEBVTT\n", ...blocks].join("\n");
}

/** Write everything that is known, as a `TranscriptFile`. */
export function toJson({ entries }: Entries): string {
  const segments = segmentsOf({ entries });
  const file: TranscriptFile = {
    version: 1,
    language: mostOf(segments.map(({ languageCode }) => languageCode)),
    text: segments.map(({ text }) => oneLine(text)).join(" "),
    segments: segments.map(segmentOf),
    gaps: entries.flatMap((entry) => (entry.kind === "gap" ? [gapOf(entry.gap)] : [])),
  };
  return `${JSON.stringify(file, null, 2)}\n`;
}

/** Name a file after the minute of a day, as `transcript-2026-11-24-1403.srt`. */
export function fileName(format: Format, localTime: Date): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const day = [localTime.getFullYear(), two(localTime.getMonth() + 1), two(localTime.getDate())];
  const minute = two(localTime.getHours()) + two(localTime.getMinutes());
  return `transcript-${day.join("-")}-${minute}.${format}`;
}

function lineOf(entry: Entry, describeGap: (gap: Gap) => string): string {
  if (entry.kind === "segment") {
    const text = oneLine(entry.segment.text);
    return text === "" ? "" : `${text}\n`;
  }
  return entry.kind === "gap" ? `[${describeGap(entry.gap)}]\n` : "";
}

function inEnglish({ startSeconds, endSeconds }: Gap): string {
  return `${Math.ceil(endSeconds - startSeconds)} s missing here`;
}

function times({ startMs, endMs }: Cue, mark: string): string {
  return `${timestamp(startMs, mark)} --> ${timestamp(endMs, mark)}`;
}

/** Write a time as 01:02:03 and milliseconds; hours may have more than two digits. */
function timestamp(milliseconds: number, mark: string): string {
  const two = (value: number) => String(Math.floor(value)).padStart(2, "0");
  const seconds = milliseconds / 1_000;
  const clock = [two(seconds / 3600), two((seconds / 60) % 60), two(seconds % 60)].join(":");
  return `${clock}${mark}${String(milliseconds % 1_000).padStart(3, "0")}`;
}

/** With `>` escaped no arrow is left in the text. Source: WebVTT, section 4.2.2. */
function escaped(text: string): string {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
}

function segmentOf(segment: Segment): TranscriptFile["segments"][number] {
  const { text, startSeconds, endSeconds, languageCode, words } = segment;
  return {
    text,
    start: startSeconds,
    end: endSeconds,
    language_code: languageCode,
    words: words?.map(({ text, start, end, type }) => ({ text, start, end, type })) ?? null,
  };
}

function gapOf({ startSeconds, endSeconds, reason }: Gap): TranscriptFile["gaps"][number] {
  return { start: startSeconds, end: endSeconds, reason };
}

/** The value that comes most often, nulls aside; the earlier of two that come as often. */
function mostOf(values: readonly (string | null)[]): string | null {
  const counts = new Map<string, number>();
  for (const value of values) {
    if (value !== null) counts.set(value, (counts.get(value) ?? 0) + 1);
  }
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return most?.[0] ?? null;
}
