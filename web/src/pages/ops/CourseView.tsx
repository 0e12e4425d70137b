import { useCallback, useState } from "react";

import { getJson } from "./api";
import { courseOf, isTrouble } from "./course";
import { timeOf } from "./opsFigures";
import type { OpsTexts } from "./opsTexts";
import type { Entry, Session } from "./types";
import { usePoll } from "./usePoll";

const INTERVAL_MS = 3_000;

/** One session, and what happened in it. */
export function CourseView({ session, t }: { session: Session; t: OpsTexts }) {
  const [withRoutine, setRoutine] = useState(false);
  const id = session.session_id;
  const ask = useCallback(
    () => getJson<{ entries: Entry[] }>(`/api/sessions/${encodeURIComponent(id)}/timeline`),
    [id],
  );
  const { answer } = usePoll(ask, INTERVAL_MS);
  if (answer === null) return null;
  const course = courseOf(answer.entries, withRoutine);
  const c = t.course;
  const seconds = (value: number | null) =>
    value === null ? "–" : t.figures.latency(value * 1_000);
  const facts: [string, string][] = [
    [c.worker, session.worker],
    [c.since, timeOf(session.started_at)],
    [c.language, session.language_code ?? c.detected],
    [c.segments, t.figures.count(session.segments)],
    [c.reconnects, t.figures.count(session.reconnects)],
    [c.lost, t.figures.seconds(session.gap_ms / 1_000)],
    [c.finals, t.figures.count(course.finals)],
    [c.slowest, seconds(course.slowestFinal)],
    [c.lag, seconds(course.worstLag)],
  ];
  return (
    <div className="course">
      <dl className="facts">
        {facts.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd className="num">{value}</dd>
          </div>
        ))}
      </dl>
      <label className="check">
        <input
          type="checkbox"
          checked={withRoutine}
          onChange={(event) => setRoutine(event.target.checked)}
        />
        {c.routine}
      </label>
      {course.entries.length === 0 ? (
        <p className="note">{c.none}</p>
      ) : (
        <ol className="entries" aria-label={c.label} tabIndex={0}>
          {course.entries.map((entry, index) => (
            <li key={`${entry.at} ${index}`} className={isTrouble(entry) ? "trouble" : undefined}>
              <span className="num">{timeOf(entry.at)}</span>
              <span>
                {c.kinds[entry.kind]} <EntryDetail entry={entry} t={t} />
              </span>
            </li>
          ))}
        </ol>
      )}
    </div>
  );
}

function EntryDetail({ entry: { kind, code, seconds }, t }: { entry: Entry; t: OpsTexts }) {
  const words =
    code === undefined ? undefined : (t.course.codes[code] ?? t.sessions.warnings[code]);
  return (
    <>
      {words ?? (code !== undefined && <code>{code}</code>)}{" "}
      {seconds !== undefined && (
        <span className="num">
          {kind === "gap" ? t.figures.seconds(seconds) : t.figures.latency(seconds * 1_000)}
        </span>
      )}
    </>
  );
}
