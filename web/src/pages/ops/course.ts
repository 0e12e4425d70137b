/** What happened in one session, as it is listed. Pure. */

import type { Entry, EntryKind } from "./types";

/** What happens again and again while all is well. */
const ROUTINE: ReadonlySet<EntryKind> = new Set(["commit", "lag"]);

/** What somebody should look at. */
const TROUBLE: ReadonlySet<EntryKind> = new Set(["failed", "gap", "warned"]);

export interface Course {
  /** The newest first. */
  entries: Entry[];
  finals: number;
  /** The slowest final, in seconds. */
  slowestFinal: number | null;
  /** The most that the relay added, in seconds. */
  worstLag: number | null;
}

/** Sum up a timeline; what is routine is listed only where it is asked for. */
export function courseOf(timeline: readonly Entry[], withRoutine: boolean): Course {
  const finals = timeline.filter(({ kind }) => kind === "commit");
  return {
    entries: timeline.filter(({ kind }) => withRoutine || !ROUTINE.has(kind)).reverse(),
    finals: finals.length,
    slowestFinal: most(finals),
    worstLag: most(timeline.filter(({ kind }) => kind === "lag")),
  };
}

export function isTrouble({ kind }: Entry): boolean {
  return TROUBLE.has(kind);
}

function most(entries: readonly Entry[]): number | null {
  const seconds = entries.flatMap((entry) => entry.seconds ?? []);
  return seconds.length > 0 ? Math.max(...seconds) : null;
}
