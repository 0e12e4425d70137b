/** How long things take. Pure. */

import type { Latency } from "./types";

/** A median over so few follows a change soon, and a single slow one doesn't show. */
const FINALS = 5;

export class LatencyMeter {
  private lineMs: number | null = null;
  private finalsMs: number[] = [];

  get latency(): Latency {
    return { lineMs: this.lineMs, finalMs: median(this.finalsMs) };
  }

  acknowledged(ms: number): void {
    this.lineMs = ms;
  }

  finished(ms: number): void {
    this.finalsMs = [...this.finalsMs, ms].slice(-FINALS);
  }
}

function median(values: readonly number[]): number | null {
  const sorted = values.toSorted((a, b) => a - b);
  const upper = sorted[Math.floor(sorted.length / 2)];
  const lower = sorted[Math.floor((sorted.length - 1) / 2)];
  return upper === undefined || lower === undefined ? null : (lower + upper) / 2;
}
