/** The last half hour, as charts take it. Pure. */

import type { History, Point } from "./types";

/** As much as the relay keeps: the first of the points in it ended that long before the last. */
export const WINDOW_SECONDS = 1_795;

/** The least that a chart shows. */
const LEAST_SECONDS = 300;

export interface Series {
  spanSeconds: number;
  /** One for each span, the last one now; null where nobody counted. */
  points: readonly (Point | null)[];
  /** When each of them ended, in seconds since 1970. */
  times: readonly number[];
}

/** Put what is new to what is known, and let go of what is too old. */
export function extended(known: Series | null, { span_seconds, points }: History): Series {
  const byTime = new Map<number, Point>();
  for (const point of known?.points ?? []) if (point !== null) byTime.set(point.at, point);
  for (const point of points) byTime.set(point.at, point);
  const last = Math.max(0, ...byTime.keys());
  // A relay that has just started has no half hour to show.
  const kept = [...byTime.keys()].filter((time) => time >= last - WINDOW_SECONDS);
  const seconds = last - Math.min(last - LEAST_SECONDS, ...kept);
  const times = Array.from(
    { length: Math.round(seconds / span_seconds) + 1 },
    (_, index) => last - seconds + index * span_seconds,
  );
  return {
    spanSeconds: span_seconds,
    times,
    points: times.map((time) => byTime.get(time) ?? null),
  };
}

/** The newest point; null before there is one. */
export function newest(series: Series): Point | null {
  return series.points.at(-1) ?? null;
}

export type Reading = (point: Point) => number | null;

/** One figure of each point. */
export function column(series: Series, read: Reading): (number | null)[] {
  return series.points.map((point) => (point === null ? null : read(point)));
}

/** The greatest of a column; null if there is nothing in it. */
export function peak(values: readonly (number | null)[]): number | null {
  return values.reduce(
    (most, value) => (value !== null && (most === null || value > most) ? value : most),
    null,
  );
}

/** The last value that there is within a minute: one span alone may have measured nothing. */
export function latest(values: readonly (number | null)[], spanSeconds: number): number | null {
  const lately = values.slice(-Math.ceil(60 / spanSeconds));
  return lately.findLast((value) => value !== null) ?? null;
}

/** All sessions that are on a worker. */
export function sessionCount({ sessions }: Point): number {
  return Object.values(sessions).reduce((sum, count) => sum + count, 0);
}

/** Added up over the window. */
export function total(values: readonly (number | null)[]): number {
  return values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
}
