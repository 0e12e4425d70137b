/** Which sessions are listed, and in what order. Pure. */

import { SPANS } from "./recent";
import type { Session } from "./types";

export type Show = "all" | "attention" | "open" | "parked" | "waiting";

export type Column = "attention" | "name" | "audio" | "added" | "final";

export interface Order {
  column: Column;
  isDescending: boolean;
}

/** How long trouble that is over still counts, in marks of ten seconds. */
const LATELY = 12;

/** How much a session needs somebody: 3 broken or a gap, 2 a warning or a flag, 1 waiting, 0 none. */
export function attention(session: Session): number {
  const lately = session.recent.slice(-Math.min(LATELY, SPANS));
  if (/[bg]/.test(lately)) return 3;
  if (session.warnings.length > 0 || (session.flags ?? 0) > 0) return 2;
  return isWaiting(session) ? 1 : 0;
}

/** Keep those that match all words, anywhere in what is shown of them. */
export function filtered(sessions: readonly Session[], show: Show, words: string): Session[] {
  const wanted = words.toLowerCase().split(/\s+/).filter(Boolean);
  return sessions.filter((session) => {
    const { session_id, name, address, worker, language_code, kind } = session;
    const text = [session_id, name, address, worker, language_code, kind].join("\n").toLowerCase();
    return isShown(session, show) && wanted.every((word) => text.includes(word));
  });
}

/** Sort, equal ones by how long they have been there, so that rows keep their places. */
export function sorted(sessions: readonly Session[], { column, isDescending }: Order): Session[] {
  const sign = isDescending ? -1 : 1;
  return [...sessions].sort(
    (one, other) =>
      sign * compare(one, other, column) ||
      one.started_at - other.started_at ||
      (one.session_id < other.session_id ? -1 : 1),
  );
}

/** The order after a press on a column's head: figures begin with the greatest. */
export function pressed(order: Order, column: Column): Order {
  if (order.column === column) return { column, isDescending: !order.isDescending };
  return { column, isDescending: column !== "name" };
}

function isShown(session: Session, show: Show): boolean {
  switch (show) {
    case "all":
      return true;
    case "attention":
      return attention(session) > 1;
    case "waiting":
      return isWaiting(session);
    default:
      return session.state === show;
  }
}

function isWaiting({ state }: Session): boolean {
  return state === "queued" || state === "opening";
}

function compare(one: Session, other: Session, column: Column): number {
  switch (column) {
    case "attention":
      return attention(one) - attention(other);
    case "name":
      return one.name.localeCompare(other.name);
    case "audio":
      return one.received_ms - other.received_ms;
    case "added":
      return (one.added_latency_ms ?? -1) - (other.added_latency_ms ?? -1);
    case "final":
      return (one.speech_to_final_ms ?? -1) - (other.speech_to_final_ms ?? -1);
  }
}
