import { useMemo } from "react";

import { Chart, type Line } from "./Chart";
import type { Series } from "./history";
import type { OpsTexts } from "./opsTexts";
import type { Theme } from "./theme";

interface Plan {
  title: string;
  format: (value: number) => string;
  lines: readonly Line[];
}

function plansIn(t: OpsTexts): Plan[] {
  const { count, latency } = t.figures;
  const c = t.charts;
  const decimal = (value: number) => value.toLocaleString(t.language, { maximumFractionDigits: 1 });
  return [
    {
      title: c.sessions,
      format: count,
      lines: [
        { label: c.open, look: "accent", read: ({ sessions }) => sessions.open + sessions.ending },
        { label: c.parked, look: "quiet", read: ({ sessions }) => sessions.parked },
        {
          label: c.waiting,
          look: "warn",
          read: ({ sessions }) => sessions.queued + sessions.opening,
        },
      ],
    },
    {
      title: c.audio,
      format: decimal,
      lines: [
        { label: c.received, look: "accent", read: ({ received }) => received },
        { label: c.sent, look: "quiet", read: ({ sent }) => sent },
      ],
    },
    {
      title: c.added,
      format: latency,
      lines: [
        { label: c.p50, look: "accent", read: ({ added_p50_ms }) => added_p50_ms },
        { label: c.p99, look: "quiet", read: ({ added_p99_ms }) => added_p99_ms },
      ],
    },
    {
      title: c.final,
      format: latency,
      lines: [
        { label: c.p50, look: "accent", read: ({ final_p50_ms }) => final_p50_ms },
        { label: c.p95, look: "quiet", read: ({ final_p95_ms }) => final_p95_ms },
      ],
    },
    {
      title: c.errors,
      format: decimal,
      lines: [
        { label: c.upstream, look: "warn", read: ({ upstream_errors }) => upstream_errors },
        { label: c.limits, look: "accent", read: ({ limits_hit }) => limits_hit },
        { label: c.refused, look: "quiet", read: ({ auth_failures }) => auth_failures },
      ],
    },
    {
      title: c.sound,
      format: decimal,
      lines: [
        { label: c.gaps, look: "warn", read: ({ gap_seconds }) => gap_seconds },
        { label: c.warnings, look: "accent", read: ({ audio_warnings }) => audio_warnings },
      ],
    },
  ];
}

/** The last half hour, for who wants to know since when. */
export function Charts({ series, theme, t }: { series: Series; theme: Theme; t: OpsTexts }) {
  const plans = useMemo(() => plansIn(t), [t]);
  return (
    <section aria-labelledby="charts">
      <h2 id="charts">{t.charts.title}</h2>
      <p id="chart-hint" className="vh">
        {t.charts.hint}
      </p>
      <div className="charts">
        {plans.map((plan) => (
          <Chart key={plan.title} {...plan} {...{ series, theme, t }} />
        ))}
      </div>
    </section>
  );
}
