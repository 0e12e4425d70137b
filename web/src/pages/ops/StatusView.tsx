import { timeOf } from "./opsFigures";
import type { OpsTexts } from "./opsTexts";
import type { Overview } from "./types";

interface StatusProps {
  overview: Overview;
  isAway: boolean;
  t: OpsTexts;
}

/** What the relay stands on, and how fresh all this is. */
export function StatusView({ overview: { at, health }, isAway, t }: StatusProps) {
  return (
    <>
      <ul className="health">
        {Object.entries(health).map(([name, fault]) => (
          <li key={name} className={fault === null ? "pill" : "pill bad"}>
            <span className="dot" />
            {t.health[name] ?? name}
            <span className={fault === null ? "vh" : undefined}>
              {fault === null ? t.works : t.fails}
            </span>
          </li>
        ))}
      </ul>
      <p className="as-of" role={isAway ? "alert" : undefined}>
        {isAway ? (
          <span className="tag">{t.away(timeOf(at))}</span>
        ) : (
          <span className="num">{t.asOf(timeOf(at))}</span>
        )}
      </p>
    </>
  );
}

/** What is wrong with what the relay stands on. */
export function FaultsView({ overview: { health }, t }: Omit<StatusProps, "isAway">) {
  return Object.entries(health).map(
    ([name, fault]) =>
      fault !== null && (
        <p key={name} className="problem">
          <b>{t.health[name] ?? name}:</b> <span lang="en">{fault}</span>
        </p>
      ),
  );
}
