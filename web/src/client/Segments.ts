/** Finals become segments. Pure. */

import type { CommittedTranscript, TimedTranscript } from "./protocol";
import type { SessionClock } from "./SessionClock";
import type { Segment, Word } from "./types";

/** Segments that wait for their words; the relay sends these within a second or never. */
const MAX_UNTIMED = 16;

/** Numbers segments across sessions, and adds words to them when they come. */
export class Segments {
  /** Segments so far. */
  count = 0;
  /** Words so far. */
  words = 0;
  /** The relay's number of the last final; it counts empty ones too, and each session's anew. */
  lastNumber: number | null = null;
  private readonly untimed = new Map<number, Segment>();

  /** A new session counts from 0, and sends no words of the former one's segments. */
  beginSession(): void {
    this.lastNumber = null;
    this.untimed.clear();
  }

  /** Whether the final was received already: a resumed session sends again what may be missing. */
  has(final: CommittedTranscript): boolean {
    return this.lastNumber !== null && final.segment <= this.lastNumber;
  }

  /** Take in a final; null for one without text. Times are seconds on the client's timeline. */
  add(final: CommittedTranscript, startSeconds: number, endSeconds: number): Segment | null {
    this.lastNumber = final.segment;
    const words = final.text.split(/\s+/).filter((word) => word !== "");
    if (words.length === 0) return null;
    const { text, cause } = final;
    const segment = {
      ...{ index: this.count, text, startSeconds, endSeconds, cause },
      ...{ words: null, languageCode: null },
    };
    this.count += 1;
    this.words += words.length;
    this.awaitWords(final.segment, segment);
    return segment;
  }

  /** Add words and language; null where there is nothing to add, or nothing to add it to. */
  addTimes(timed: TimedTranscript, clock: SessionClock): Segment | null {
    const segment = this.untimed.get(timed.segment);
    this.untimed.delete(timed.segment);
    if (segment === undefined || (timed.words === null && timed.language_code === null))
      return null;
    const words = timed.words === null ? null : timed.words.map((word) => moved(word, clock));
    return { ...segment, ...span(words ?? []), words, languageCode: timed.language_code };
  }

  private awaitWords(number: number, segment: Segment): void {
    this.untimed.set(number, segment);
    const [oldest] = this.untimed.keys();
    if (oldest !== undefined && this.untimed.size > MAX_UNTIMED) this.untimed.delete(oldest);
  }
}

/** Times as far as words tell them better than the ends of segments do. */
function span(words: readonly Word[]): Partial<Pick<Segment, "startSeconds" | "endSeconds">> {
  const spoken = words.filter(({ type }) => type !== "spacing");
  const startSeconds = spoken.find(({ start }) => start !== null)?.start;
  const endSeconds = spoken.findLast(({ end }) => end !== null)?.end;
  return {
    ...(typeof startSeconds === "number" && { startSeconds }),
    ...(typeof endSeconds === "number" && { endSeconds }),
  };
}

/** Moves the times of a word, and those of its characters. */
function moved(word: Word, clock: SessionClock): Word {
  const { characters } = word;
  return {
    ...word,
    ...movedTimes(word, clock),
    ...(Array.isArray(characters) && {
      characters: characters.map((character: unknown) =>
        isTimed(character) ? { ...character, ...movedTimes(character, clock) } : character,
      ),
    }),
  };
}

interface Timed {
  start: number | null;
  end: number | null;
}

function movedTimes({ start, end }: Timed, clock: SessionClock): Timed {
  return {
    start: start === null ? null : clock.startAt(start),
    end: end === null ? null : clock.endAt(end),
  };
}

/** Some of the provider's models send plain strings as characters. */
function isTimed(value: unknown): value is Timed {
  if (typeof value !== "object" || value === null) return false;
  const { start, end } = value as Partial<Record<keyof Timed, unknown>>;
  return typeof start === "number" && typeof end === "number";
}
