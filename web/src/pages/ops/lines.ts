/** How a chart's lines look. */

import uPlot from "uplot";

import type { PlotOptions } from "./Plot";
import type { Theme } from "./theme";

export type Look = "accent" | "quiet" | "warn";

const DASH: Record<Look, number[]> = { accent: [], quiet: [5, 3], warn: [2, 2] };

function seriesOf(look: Look, theme: Theme, isFilled: boolean): uPlot.Series {
  return {
    stroke: theme[look],
    width: 1.5,
    dash: DASH[look],
    points: { show: false },
    ...(isFilled && { fill: `color-mix(in srgb, ${theme[look]} 12%, transparent)` }),
  };
}

/** From nothing to a little more than the most. */
function fromNothing(_: uPlot, __: number, most: number | null): uPlot.Range.MinMax {
  return uPlot.rangeNum(0, most !== null && most > 0 ? most : 1, 0.1, true);
}

const SCALES: uPlot.Scales = { x: { time: true }, y: { range: fromNothing } };

/** What stands at ticks: nothing where it would round to something else than the tick is. */
export function labels(ticks: readonly number[], format: (value: number) => string): string[] {
  const isWhole = format(0.5) === format(1);
  return ticks.map((tick) => (isWhole && !Number.isInteger(tick) ? "" : format(tick)));
}

/** A line alone, beside its figure. */
export function sparkline(theme: Theme): PlotOptions {
  return {
    scales: SCALES,
    series: [{}, seriesOf("accent", theme, true)],
    axes: [{ show: false }, { show: false }],
    legend: { show: false },
    cursor: { show: false },
    padding: [2, 0, 0, 0],
  };
}

/** Lines with axes, and a cursor that tells `onIndex` where it is. */
export function chart(
  theme: Theme,
  looks: readonly Look[],
  format: (value: number) => string,
  onIndex: (index: number | null) => void,
): PlotOptions {
  const axis: uPlot.Axis = {
    stroke: theme.quiet,
    font: theme.font,
    grid: { stroke: theme.line, width: 1 },
    ticks: { show: false },
  };
  return {
    scales: SCALES,
    series: [{}, ...looks.map((look, index) => seriesOf(look, theme, index === 0))],
    axes: [
      { ...axis, grid: { show: false }, values: "{HH}:{mm}", space: 64, size: 28 },
      { ...axis, values: (_, ticks) => labels(ticks, format), size: 64, space: 32 },
    ],
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { size: 6 } },
    tzDate: (seconds) => uPlot.tzDate(new Date(seconds * 1_000), "Etc/UTC"),
    hooks: { setCursor: [(plot) => onIndex(plot.cursor.idx ?? null)] },
  };
}
