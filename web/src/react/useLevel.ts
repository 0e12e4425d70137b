import { useEffect, useState } from "react";

import { meterPosition } from "./meterPosition";
import type { Recording } from "../recording/Recording";

/** Steps of the meter; a component is drawn again only when another one is reached. */
const STEPS = 20;

/** Loudness from 0 (silence) to 1 (full scale), in steps; 0 while nothing is recorded. */
export function useLevel(recording: Recording): number {
  const [step, setStep] = useState(0);
  useEffect(() => {
    const stopListening = recording.on("level", ({ rmsDbfs }) =>
      setStep(Math.round(meterPosition(rmsDbfs) * STEPS)),
    );
    const stopWatching = recording.subscribe(() => {
      if (recording.snapshot().state === "idle") setStep(0);
    });
    return () => {
      stopListening();
      stopWatching();
    };
  }, [recording]);
  return step / STEPS;
}
