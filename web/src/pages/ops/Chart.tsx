import { useId, useMemo, useRef, useState, type KeyboardEvent } from "react";
import type uPlot from "uplot";

import { column, latest, peak, type Reading, type Series } from "./history";
import { chart, type Look } from "./lines";
import { timeOf } from "./opsFigures";
import type { OpsTexts } from "./opsTexts";
import { Plot } from "./Plot";
import type { Theme } from "./theme";

export interface Line {
  label: string;
  look: Look;
  read: Reading;
}

interface ChartProps {
  title: string;
  lines: readonly Line[];
  format: (value: number) => string;
  series: Series;
  theme: Theme;
  t: OpsTexts;
}

/** A chart with its values in words: now, or where the cursor is. */
export function Chart({ title, lines, format, series, theme, t }: ChartProps) {
  const id = useId();
  const plotRef = useRef<uPlot>(null);
  const [index, setIndex] = useState<number | null>(null);
  const columns = useMemo(() => lines.map(({ read }) => column(series, read)), [lines, series]);
  const options = useMemo(
    () =>
      chart(
        theme,
        lines.map(({ look }) => look),
        format,
        setIndex,
      ),
    [theme, lines, format],
  );
  const data = useMemo<uPlot.AlignedData>(() => [[...series.times], ...columns], [series, columns]);
  const move = (event: KeyboardEvent) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined || plotRef.current === null) return;
    event.preventDefault();
    const last = series.times.length - 1;
    const next = Math.min(last, Math.max(0, (index ?? last) + step));
    const left = plotRef.current.valToPos(series.times[next] ?? 0, "x");
    plotRef.current.setCursor({ left, top: 0 });
    setIndex(next);
  };
  const shown = (values: readonly (number | null)[]) =>
    index === null ? latest(values, series.spanSeconds) : (values[index] ?? null);
  const write = (value: number | null) => (value === null ? "–" : format(value));
  const time = index === null ? undefined : series.times[index];
  return (
    <figure className="chart">
      <figcaption id={id}>
        {title}
        {time !== undefined && <span className="num"> {timeOf(time)}</span>}
      </figcaption>
      <div
        className="chart-frame"
        role="group"
        tabIndex={0}
        aria-labelledby={id}
        aria-describedby="chart-hint"
        onKeyDown={move}
        onBlur={() => plotRef.current?.setCursor({ left: -10, top: -10 })}
      >
        <Plot {...{ options, data, theme, plotRef }} className="chart-plot" />
        <p className="vh" aria-live="polite">
          {index !== null &&
            lines.map(({ label }, n) => `${label} ${write(shown(columns[n] ?? []))}`).join(", ")}
        </p>
      </div>
      <ul className="legend">
        {lines.map(({ label, look }, n) => (
          <li
            key={label}
            title={t.charts.summary(write(shown(columns[n] ?? [])), write(peak(columns[n] ?? [])))}
          >
            <i className={`key ${look}`} />
            {label} <b className="num">{write(shown(columns[n] ?? []))}</b>
          </li>
        ))}
      </ul>
    </figure>
  );
}
