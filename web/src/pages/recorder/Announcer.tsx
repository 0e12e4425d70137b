import { useState } from "react";

import type { RecordingSnapshot } from "../../recording/RecordingSnapshot";
import type { Texts } from "../../texts";

/** Tells screen readers what others see at the button and at the pill. */
export function Announcer({ snapshot, t }: { snapshot: RecordingSnapshot; t: Texts }) {
  const [before, setBefore] = useState(snapshot);
  const [said, setSaid] = useState("");
  if (before !== snapshot) {
    setBefore(snapshot);
    setSaid(newsOf(before, snapshot, t) ?? said);
  }
  return (
    <p className="scribe-hidden" role="status">
      {said}
    </p>
  );
}

function newsOf(before: RecordingSnapshot, now: RecordingSnapshot, t: Texts): string | null {
  if (now.isMuted !== before.isMuted && now.state !== "idle") {
    return now.isMuted ? t.announcements.muted : t.announcements.unmuted;
  }
  if (now.state === before.state) return null;
  switch (now.state) {
    case "connecting":
      return t.announcements.started;
    case "reconnecting":
      return t.announcements.reconnecting;
    case "resumed":
      return t.announcements.reconnected;
    case "idle":
      return t.announcements.stopped;
    default:
      return null;
  }
}
