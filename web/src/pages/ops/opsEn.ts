import type { Language } from "../../texts/Language";
import { figuresIn } from "./opsFigures";
import type { Mark } from "./recent";
import type { Show } from "./sessionList";
import type { EntryKind, SessionState } from "./types";

const figures = figuresIn("en");

/** What the operators' page says; its shape is what every other language has to have. */
export const opsEn = {
  language: "en" as Language,
  figures,

  asOf: (time: string) => `As of ${time} UTC`,
  away: (time: string) => `The relay doesn’t answer; this is as of ${time} UTC. It is asked again.`,
  works: "works",
  fails: "fails",
  health: {
    key: "provider key",
    upstream: "provider",
    redis: "Redis",
    database: "database",
  } as Record<string, string>,

  figure: {
    label: "Figures",
    sessions: "live sessions",
    audio: "audio in",
    added: "added latency p99",
    final: "speech → final p50",
    lost: "audio lost in 30 min",
  },

  charts: {
    title: "The last half hour",
    hint: "Left and right arrow keys go through the values.",
    summary: (now: string, most: string) => `now ${now}, at most ${most}`,
    sessions: "Sessions",
    open: "open",
    waiting: "waiting",
    parked: "parked",
    audio: "Audio, in seconds a second",
    received: "from clients",
    sent: "to the provider",
    added: "Added latency",
    final: "From a segment’s end to its final",
    p50: "p50",
    p95: "p95",
    p99: "p99",
    errors: "Errors, in five seconds",
    upstream: "of the provider",
    limits: "limits hit",
    refused: "refused",
    sound: "Sound, in five seconds",
    gaps: "seconds lost",
    warnings: "warnings",
  },

  sessions: {
    none: "Nobody speaks at the moment.",
    noneSo: "No session is like that.",
    find: "Find",
    findHint: "id, name, address, worker",
    show: "Show",
    shows: {
      all: "all",
      attention: "what needs attention",
      open: "open",
      waiting: "waiting",
      parked: "parked",
    } satisfies Record<Show, string>,
    sort: "Sort by",
    attention: "attention",
    count: (shown: number, all: number) => {
      const sessions = all === 1 ? "session" : "sessions";
      return shown === all ? `${all} ${sessions}` : `${shown} of ${all} ${sessions}`;
    },
    more: (count: number) => `Show ${count} more`,
    session: "session",
    who: "who",
    recent: "last 10 minutes",
    state: "state",
    audio: "audio",
    added: "added",
    final: "final",
    actions: "actions",
    details: (id: string) => `Course of session ${id}`,
    states: {
      queued: "queued",
      opening: "opening",
      open: "open",
      parked: "parked",
      ending: "ending",
    } satisfies Record<SessionState, string>,
    warnings: {
      silent_microphone: "silent microphone",
      clipping: "too loud",
      dc_offset: "off centre",
      rate_mismatch: "wrong sample rate",
    } as Record<string, string>,
    flags: (count: number) => (count === 1 ? "1 flag" : `${count} flags`),
    marks: {
      o: "open",
      q: "quiet",
      p: "parked",
      w: "waiting",
      b: "broken socket",
      g: "with a gap",
    } satisfies Record<Mark, string>,
    nothingYet: "nothing yet",
    end: "End",
    endNow: "End now",
    cancel: "Cancel",
    of: (id: string) => `session ${id}`,
    ended: (id: string) => `Session ${id} was told to end.`,
    gone: (id: string) => `Session ${id} isn’t there any more.`,
  },

  course: {
    worker: "worker",
    language: "language",
    detected: "detected",
    since: "since",
    segments: "segments",
    reconnects: "sockets opened again",
    lost: "audio lost",
    finals: "finals lately",
    slowest: "slowest final",
    lag: "most added",
    routine: "Finals and lag too",
    none: "Nothing out of the ordinary has happened.",
    label: "What happened, the newest first",
    time: "UTC",
    kinds: {
      began: "began",
      opened: "socket open",
      failed: "socket failed",
      replayed: "audio sent again",
      rolled_over: "next socket took over",
      rested: "socket closed while it is quiet",
      gap: "gap",
      warned: "warning",
      left: "client left",
      resumed: "client came back",
      moves: "moves to another worker",
      commit: "final",
      lag: "lag",
    } satisfies Record<EntryKind, string>,
    codes: { new: "here", taken_over: "taken over from another worker" } as Record<string, string>,
  },

  workers: {
    away: "Workers can’t be listed, because Redis doesn’t answer.",
    worker: "worker",
    duty: "duty",
    sessions: "sessions",
    duties: {
      serving: "takes sessions",
      draining: "draining",
      drained: "drained",
      leaving: "ends",
    },
    drain: "Drain",
    drainNow: "Drain now",
    drainText: "Its sessions move to other workers within 15 s, and it takes no new ones.",
    drainLast:
      "No other worker takes sessions. Its sessions wait for at most half a minute until one does, and new ones are refused.",
    serve: "Take sessions again",
    drained: (worker: string) => `${worker} was told to drain.`,
    served: (worker: string) => `${worker} was told to take sessions again.`,
    slots: "Slots at the provider",
    slotsWaiting: (count: number) => `${count} waiting`,
  },

  kiosks: {
    none: "No device waits. Open /kiosk on a device, and its code appears here.",
    left: (address: string, minutes: number) => `${address} · ${minutes} min left`,
    choose: "Enter this code",
    waiting: (count: number) => (count === 0 ? "" : `Kiosks waiting: ${count}`),
  },

  failed: "That didn’t work. Try it again.",
};

export type OpsTexts = typeof opsEn;
