import { useSyncExternalStore } from "react";

import type { Recording } from "../recording/Recording";

/** Whole seconds recorded so far; drawn again once a second. */
export function useSeconds(recording: Recording): number {
  return useSyncExternalStore(
    (observer) => {
      const stopListening = recording.on("level", observer);
      const stopWatching = recording.subscribe(observer);
      return () => {
        stopListening();
        stopWatching();
      };
    },
    () => Math.floor(recording.capturedSeconds),
  );
}
