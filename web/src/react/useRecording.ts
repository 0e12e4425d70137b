import { useEffect, useState, useSyncExternalStore } from "react";

import { Recording } from "../recording/Recording";
import type { RecordingOptions } from "../recording/RecordingOptions";
import type { RecordingSnapshot } from "../recording/RecordingSnapshot";

/**
 * One recording for the life of a component, and what it is like now.
 *
 * Options are read at the next start; nothing is connected anew because an object is.
 */
export function useRecording(options: RecordingOptions): [Recording, RecordingSnapshot] {
  const [recording] = useState(() => new Recording(options));
  useEffect(() => recording.configure(options));
  // Effects run twice in React's strict mode: a recording can be started again after its end.
  useEffect(() => () => recording.close(), [recording]);
  useEffect(() => {
    // A tab that is closed says so, instead of leaving a broken line behind.
    const leave = () => recording.close();
    addEventListener("pagehide", leave);
    return () => removeEventListener("pagehide", leave);
  }, [recording]);
  const { subscribe, snapshot } = recording;
  // On a server too: there it is idle.
  return [recording, useSyncExternalStore(subscribe, snapshot, snapshot)];
}
