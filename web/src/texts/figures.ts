/** Figures with their units, which need no words that would have to agree with them. */

import type { Language } from "./Language";

type Unit = "milliseconds" | "seconds" | "minutes" | "hours" | "kilohertz";

export interface Figures {
  /** As "182 ms". */
  milliseconds: (milliseconds: number) => string;
  /** As "0.4 s" or "12 s": one decimal below ten, and never nothing. */
  seconds: (seconds: number) => string;
  /** As "40 s", "5 min" or "3 h 20 min", rounded up: a time to wait is over by then. */
  duration: (milliseconds: number) => string;
  /** A rate in Hz, as "44.1 kHz". */
  rate: (hertz: number) => string;
}

const EN = { milliseconds: "ms", seconds: "s", minutes: "min", hours: "h", kilohertz: "kHz" };
const RU = { milliseconds: "мс", seconds: "с", minutes: "мин", hours: "ч", kilohertz: "кГц" };

export const enFigures = figuresOf("en", EN);
export const ruFigures = figuresOf("ru", RU);

function figuresOf(language: Language, units: Record<Unit, string>): Figures {
  const write = (value: number, unit: Unit, digits = 0) =>
    `${value.toLocaleString(language, { maximumFractionDigits: digits })} ${units[unit]}`;
  return {
    milliseconds: (milliseconds) => write(milliseconds, "milliseconds"),
    seconds: (seconds) => write(Math.max(0.1, seconds), "seconds", seconds < 10 ? 1 : 0),
    duration: (milliseconds) => duration(milliseconds, write),
    rate: (hertz) => write(hertz / 1_000, "kilohertz", 3),
  };
}

function duration(milliseconds: number, write: (value: number, unit: Unit) => string): string {
  const seconds = Math.ceil(milliseconds / 1_000);
  if (seconds < 60) return write(seconds, "seconds");
  const minutes = Math.ceil(seconds / 60);
  if (minutes < 60) return write(minutes, "minutes");
  const hours = write(Math.floor(minutes / 60), "hours");
  return minutes % 60 === 0 ? hours : `${hours} ${write(minutes % 60, "minutes")}`;
}
