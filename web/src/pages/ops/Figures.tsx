import { useMemo } from "react";
import type uPlot from "uplot";

import { column, latest, sessionCount, total, type Reading, type Series } from "./history";
import { sparkline } from "./lines";
import type { OpsTexts } from "./opsTexts";
import { Plot } from "./Plot";
import type { Theme } from "./theme";

interface FiguresProps {
  series: Series;
  /** Live sessions as of the list, which is newer. */
  liveSessions: number | null;
  theme: Theme;
  t: OpsTexts;
}

const received: Reading = (point) => point.received;
const added: Reading = (point) => point.added_p99_ms;
const final: Reading = (point) => point.final_p50_ms;
const lost: Reading = (point) => point.gap_seconds;

/** Five figures with their history: a glance says whether all is well. */
export function Figures({ series, liveSessions, theme, t }: FiguresProps) {
  const { figure, figures } = t;
  const last = (read: Reading) => latest(column(series, read), series.spanSeconds);
  const sessions = liveSessions ?? last(sessionCount);
  const lostSeconds = total(column(series, lost));
  const write = (value: number | null, format: (value: number) => string) =>
    value === null ? "–" : format(value);
  const shared = { series, theme };
  return (
    <dl className="kpi live" aria-label={figure.label}>
      <Figure
        {...shared}
        name={figure.sessions}
        read={sessionCount}
        value={write(sessions, figures.count)}
      />
      <Figure
        {...shared}
        name={figure.audio}
        read={received}
        value={write(last(received), figures.rate)}
      />
      <Figure
        {...shared}
        name={figure.added}
        read={added}
        value={write(last(added), figures.latency)}
      />
      <Figure
        {...shared}
        name={figure.final}
        read={final}
        value={write(last(final), (ms) => figures.seconds(ms / 1_000))}
      />
      <Figure
        {...shared}
        name={figure.lost}
        read={lost}
        value={figures.seconds(lostSeconds)}
        isDue={lostSeconds > 0}
      />
    </dl>
  );
}

interface FigureProps {
  name: string;
  value: string;
  read: Reading;
  series: Series;
  theme: Theme;
  isDue?: boolean;
}

function Figure({ name, value, read, series, theme, isDue = false }: FigureProps) {
  const data = useMemo<uPlot.AlignedData>(
    () => [[...series.times], column(series, read)],
    [series, read],
  );
  const options = useMemo(() => sparkline(theme), [theme]);
  return (
    <div className={isDue ? "due" : undefined}>
      <dt>{name}</dt>
      <dd>
        <span className="num">{value}</span>
        <Plot {...{ options, data, theme }} className="spark" />
      </dd>
    </div>
  );
}
