/** Figures with their units, as instruments show them. */

import type { Language } from "../../texts/Language";

export interface OpsFigures {
  count: (value: number) => string;
  /** Seconds of audio in a second, as "21.0 s/s". */
  rate: (value: number) => string;
  /** As "3.4 ms", and from a second on as "1.2 s". */
  latency: (milliseconds: number) => string;
  /** As "0.41 s". */
  seconds: (seconds: number) => string;
}

export function figuresIn(language: Language): OpsFigures {
  const [second, millisecond] = language === "ru" ? ["с", "мс"] : ["s", "ms"];
  const write = (value: number, digits: number) =>
    value.toLocaleString(language, {
      minimumFractionDigits: digits,
      maximumFractionDigits: digits,
    });
  const seconds = (value: number) => `${write(value, value < 10 ? 2 : 0)} ${second}`;
  return {
    count: (value) => write(value, 0),
    rate: (value) => `${write(value, 1)} ${second}/${second}`,
    latency: (ms) =>
      ms >= 1_000 ? seconds(ms / 1_000) : `${write(ms, ms < 100 ? 1 : 0)} ${millisecond}`,
    seconds,
  };
}

/** A moment as `12:03:04`, UTC, as in the log. */
export function timeOf(seconds: number): string {
  return new Date(seconds * 1_000).toISOString().slice(11, 19);
}
