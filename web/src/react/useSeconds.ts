import { useCallback, useSyncExternalStore } from "react";

import type { Recording } from "../recording/Recording";

/** Whole seconds recorded so far; drawn again once a second. */
export function useSeconds(recording: Recording): number {
  const subscribe = useCallback(
    (observer: () => void) => {
      const stopListening = recording.on("level", observer);
      const stopWatching = recording.subscribe(observer);
      return () => {
        stopListening();
        stopWatching();
      };
    },
    [recording],
  );
  const seconds = () => Math.floor(recording.capturedSeconds);
  return useSyncExternalStore(subscribe, seconds, seconds);
}
