import { useEffect, useRef } from "react";

import { meterPosition } from "../../react/meterPosition";
import type { Recording } from "../../recording/Recording";
import type { Texts } from "../../texts";

/** How loud it is now. Drawn without React: it changes twenty times a second. */
export function LevelMeter({ recording, t }: { recording: Recording; t: Texts }) {
  const meter = useRef<HTMLDivElement>(null);
  useEffect(() => {
    const show = (position: number) => {
      meter.current?.style.setProperty("--level", position.toFixed(2));
      meter.current?.setAttribute("aria-valuenow", String(Math.round(position * 100)));
    };
    const stopListening = recording.on("level", ({ rmsDbfs }) => show(meterPosition(rmsDbfs)));
    const stopWatching = recording.subscribe(() => {
      if (recording.snapshot().state === "idle") show(0);
    });
    return () => {
      stopListening();
      stopWatching();
    };
  }, [recording]);
  return (
    <div
      ref={meter}
      className="meter"
      role="meter"
      aria-label={t.microphone.level}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={0}
    />
  );
}
