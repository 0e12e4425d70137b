import type { RecordingSnapshot } from "../../recording/RecordingSnapshot";
import type { Texts } from "../../texts";

interface StatePillProps {
  snapshot: RecordingSnapshot;
  t: Texts;
  /** What is said while all is well; by default that it is, and the delay that people can feel. */
  live?: string;
}

/** How the connection is, in a word. */
export function StatePill({ snapshot, t, live = liveText(snapshot, t) }: StatePillProps) {
  const { state, isMuted, isInterrupted, queue } = snapshot;
  if (queue !== null) return pill("is-waiting", t.states.queued(queue.position));
  if (isInterrupted) return pill("is-waiting", t.states.paused);
  switch (state) {
    case "idle":
      return pill("is-quiet", t.states.idle);
    case "starting":
    case "connecting":
    case "stopping":
      return pill("is-quiet", t.states[state]);
    case "reconnecting":
      return pill("is-waiting", t.states.reconnecting);
    case "resumed":
      return pill("", t.states.resumed);
    case "live":
      return isMuted ? pill("is-quiet", t.states.muted) : pill("", live);
  }
}

function liveText({ latency }: RecordingSnapshot, t: Texts): string {
  const delay = latency.finalMs ?? latency.lineMs;
  return delay === null ? t.states.live : `${t.states.live} · ${t.milliseconds(delay)}`;
}

function pill(kind: string, text: string) {
  return <span className={`scribe-pill ${kind}`.trim()}>{text}</span>;
}
