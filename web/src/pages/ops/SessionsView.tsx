import { Fragment, useState } from "react";

import { clock } from "../../react/parts/clock";
import { Confirm } from "./Confirm";
import { CourseView } from "./CourseView";
import type { OpsTexts } from "./opsTexts";
import { filtered, pressed, sorted, type Column, type Order, type Show } from "./sessionList";
import { Strip } from "./Strip";
import type { Session } from "./types";

/** Rows that are shown at first, and further ones at a press. */
const PAGE = 100;

const COLUMNS = 8;

const SHOWS: Show[] = ["all", "attention", "open", "waiting", "parked"];

interface SessionsViewProps {
  sessions: readonly Session[];
  t: OpsTexts;
  onEnd: (session: Session) => void;
}

/** All live sessions: to find, to sort, to open, to end. */
export function SessionsView({ sessions, t, onEnd }: SessionsViewProps) {
  const [show, setShow] = useState<Show>("all");
  const [words, setWords] = useState("");
  const [order, setOrder] = useState<Order>({ column: "attention", isDescending: true });
  const [limit, setLimit] = useState(PAGE);
  const [opened, setOpened] = useState<string | null>(null);
  const s = t.sessions;
  const found = sorted(filtered(sessions, show, words), order);
  if (sessions.length === 0) return <p className="empty">{s.none}</p>;
  return (
    <>
      <div className="tools" role="search">
        <label>
          {s.find}
          <input
            type="search"
            value={words}
            placeholder={s.findHint}
            onChange={(event) => setWords(event.target.value)}
          />
        </label>
        <label>
          {s.show}
          <select value={show} onChange={(event) => setShow(event.target.value as Show)}>
            {SHOWS.map((each) => (
              <option key={each} value={each}>
                {s.shows[each]}
              </option>
            ))}
          </select>
        </label>
        <label>
          {s.sort}
          <select
            value={order.column}
            onChange={(event) =>
              setOrder(
                pressed({ column: "attention", isDescending: true }, event.target.value as Column),
              )
            }
          >
            {(["attention", "name", "audio", "added", "final"] as const).map((column) => (
              <option key={column} value={column}>
                {column === "name" ? s.who : s[column]}
              </option>
            ))}
          </select>
        </label>
        <p className="note">{s.count(found.length, sessions.length)}</p>
      </div>
      {found.length === 0 ? (
        <p className="empty">{s.noneSo}</p>
      ) : (
        <table className="sessions">
          <thead>
            <tr>
              <th scope="col">{s.session}</th>
              <Head {...{ order, setOrder }} column="name" text={s.who} />
              <th scope="col">{s.recent}</th>
              <Head {...{ order, setOrder }} column="attention" text={s.state} />
              <Head {...{ order, setOrder }} column="audio" text={s.audio} isFigure />
              <Head {...{ order, setOrder }} column="added" text={s.added} isFigure />
              <Head {...{ order, setOrder }} column="final" text={s.final} isFigure />
              <th scope="col">
                <span className="vh">{s.actions}</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {found.slice(0, limit).map((session) => {
              const id = session.session_id;
              const isOpen = opened === id;
              return (
                <Fragment key={id}>
                  <Row
                    {...{ session, t, isOpen, onEnd }}
                    onToggle={() => setOpened(isOpen ? null : id)}
                  />
                  {isOpen && (
                    <tr className="opened">
                      <td colSpan={COLUMNS}>
                        <CourseView {...{ session, t }} />
                      </td>
                    </tr>
                  )}
                </Fragment>
              );
            })}
          </tbody>
        </table>
      )}
      {found.length > limit && (
        <button type="button" onClick={() => setLimit(limit + PAGE)}>
          {s.more(Math.min(PAGE, found.length - limit))}
        </button>
      )}
    </>
  );
}

interface HeadProps {
  column: Column;
  text: string;
  order: Order;
  setOrder: (order: Order) => void;
  isFigure?: boolean;
}

function Head({ column, text, order, setOrder, isFigure = false }: HeadProps) {
  const isSorted = order.column === column;
  const direction = order.isDescending ? "descending" : "ascending";
  return (
    <th
      scope="col"
      className={isFigure ? "n" : undefined}
      aria-sort={isSorted ? direction : undefined}
    >
      <button type="button" className="sort" onClick={() => setOrder(pressed(order, column))}>
        {text}
        <span aria-hidden="true">{isSorted ? (order.isDescending ? "↓" : "↑") : ""}</span>
      </button>
    </th>
  );
}

interface RowProps {
  session: Session;
  t: OpsTexts;
  isOpen: boolean;
  onToggle: () => void;
  onEnd: (session: Session) => void;
}

function Row({ session, t, isOpen, onToggle, onEnd }: RowProps) {
  const s = t.sessions;
  const id = session.session_id.slice(0, 8);
  const latency = (value: number | null) => (value === null ? "–" : t.figures.latency(value));
  return (
    <tr data-session={session.session_id}>
      <th scope="row" className="num" data-label={s.session}>
        <button
          type="button"
          className="sort"
          aria-expanded={isOpen}
          aria-label={s.details(id)}
          onClick={onToggle}
        >
          <span aria-hidden="true" className="turn">
            {isOpen ? "▾" : "▸"}
          </span>
          {id}
        </button>
      </th>
      <td className="name" data-label={s.who}>
        <span>
          <bdi>{session.name}</bdi>
          {session.address !== null && <span className="aside num"> {session.address}</span>}
        </span>
      </td>
      <td className="past" data-label={s.recent}>
        <Strip recent={session.recent} t={t} />
      </td>
      <td className="state" data-label={s.state}>
        <span>
          {s.states[session.state]}
          {session.warnings.map((code) => (
            <span key={code} className="tag">
              {s.warnings[code] ?? code}
            </span>
          ))}
          {session.gap_ms > 0 && (
            <span className="tag">
              {t.course.lost} {t.figures.seconds(session.gap_ms / 1_000)}
            </span>
          )}
          {(session.flags ?? 0) > 0 && <span className="tag">{s.flags(session.flags ?? 0)}</span>}
        </span>
      </td>
      <td data-label={s.audio} className="n">
        {clock(session.received_ms / 1_000)}
      </td>
      <td data-label={s.added} className="n">
        {latency(session.added_latency_ms)}
      </td>
      <td data-label={s.final} className="n">
        {latency(session.speech_to_final_ms)}
      </td>
      <td className="do">
        <div>
          {session.state !== "ending" && (
            <Confirm
              act={s.end}
              sure={s.endNow}
              cancel={s.cancel}
              what={s.of(id)}
              onConfirm={() => onEnd(session)}
            />
          )}
        </div>
      </td>
    </tr>
  );
}
