import type { Statistics } from "../../transcript/statistics";
import type { Texts } from "../../texts";
import { clock } from "./clock";

interface StatisticsViewProps {
  statistics: Statistics;
  /** Of everything recorded. */
  seconds: number;
  t: Texts;
}

/** Words, segments, time, words a minute. */
export function StatisticsView({ statistics, seconds, t }: StatisticsViewProps) {
  const figures = [
    [t.statistics.words, statistics.words],
    [t.statistics.segments, statistics.segments],
    [t.statistics.duration, clock(seconds)],
    [t.statistics.wordsPerMinute, statistics.wordsPerMinute ?? "–"],
  ] as const;
  return (
    <dl className="scribe-statistics">
      {figures.map(([label, figure]) => (
        <div key={label}>
          <dt>{label}</dt>
          <dd>{figure}</dd>
        </div>
      ))}
    </dl>
  );
}
