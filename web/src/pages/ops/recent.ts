/** The strip of a session's last ten minutes. Pure. */

/** Open, quiet, parked, waiting, broken, gap: the relay's letters, the later the worse. */
export const MARKS = "oqpwbg";

export type Mark = "o" | "q" | "p" | "w" | "b" | "g";

/** Marks that a strip has room for. */
export const SPANS = 60;

/** Seconds that a mark stands for. */
export const SPAN_SECONDS = 10;

export interface Run {
  mark: Mark;
  /** Where it begins, counted from the strip's left end. */
  start: number;
  length: number;
}

/** Join equal marks; the last one stands at the strip's right end, which is now. */
export function runsOf(recent: string): Run[] {
  const marks = Array.from(recent.slice(-SPANS)).filter((mark): mark is Mark =>
    MARKS.includes(mark),
  );
  const runs: Run[] = [];
  marks.forEach((mark, index) => {
    const last = runs.at(-1);
    if (last?.mark === mark) last.length += 1;
    else runs.push({ mark, start: SPANS - marks.length + index, length: 1 });
  });
  return runs;
}

/** Seconds that a session was in each state, the worst first. */
export function secondsByMark(recent: string): [Mark, number][] {
  const seconds = new Map<Mark, number>();
  for (const { mark, length } of runsOf(recent))
    seconds.set(mark, (seconds.get(mark) ?? 0) + length * SPAN_SECONDS);
  return [...seconds].sort(([one], [other]) => MARKS.indexOf(other) - MARKS.indexOf(one));
}
