import { useCallback, useEffect, useState } from "react";

import { persistentReconnectPolicy } from "../../client/ReconnectPolicy";
import { useLatest } from "../../react/useLatest";
import { useRecording } from "../../react/useRecording";
import type { Recording } from "../../recording/Recording";
import { isRecording, type RecordingSnapshot } from "../../recording/RecordingSnapshot";
import type { KioskConfig } from "./KioskConfig";
import { workletUrl } from "../worklet";
import { hearPartial, hearSegment, noUtterances, type Utterances } from "./Utterances";

/** After what time a kiosk that failed tries again, in milliseconds. */
const RETRY_MS = 5_000;

const OPTIONS = {
  reconnect: persistentReconnectPolicy,
  keepsTranscript: false,
  includeTimestamps: false,
  microphone: { workletUrl },
} as const;

export interface Kiosk {
  recording: Recording;
  snapshot: RecordingSnapshot;
  utterances: Utterances;
  /** Start or stop, by whoever stands before it. */
  toggle: () => void;
}

/** A kiosk's behaviour: it starts, recovers and forgets by itself. */
export function useKiosk(config: KioskConfig): Kiosk {
  const [recording, snapshot] = useRecording(OPTIONS);
  const [utterances, setUtterances] = useState(noUtterances);
  const isOn = isRecording(snapshot);

  useEffect(() => {
    const stopPartials = recording.on("partial", (text) =>
      setUtterances((shown) => hearPartial(shown, text)),
    );
    const stopSegments = recording.on("segment", ({ text }) =>
      setUtterances((shown) => hearSegment(shown, text)),
    );
    return () => {
      stopPartials();
      stopSegments();
    };
  }, [recording]);

  const forget = useCallback(() => {
    setUtterances(noUtterances);
    // Whoever spoke has left: nobody else is to be listened to until somebody asks for it.
    if (!config.alwaysOn) void recording.stop();
  }, [config.alwaysOn, recording]);
  useTimer(
    forget,
    config.clearAfterSeconds * 1_000,
    utterances !== noUtterances || isOn,
    utterances,
  );

  // One that is to listen always is started, and started again whatever ended it.
  const isIdle = snapshot.state === "idle";
  const start = useCallback(() => void recording.start(), [recording]);
  const delay = snapshot.problem === null ? 0 : RETRY_MS;
  useTimer(start, delay, config.alwaysOn && isIdle, snapshot.problem);

  // What went wrong for one person is nothing that the next has to read.
  const dismiss = useCallback(() => recording.dismiss(), [recording]);
  const isStale = !config.alwaysOn && isIdle && snapshot.problem !== null;
  useTimer(dismiss, config.clearAfterSeconds * 1_000, isStale, snapshot.problem);

  const toggle = useCallback(() => {
    if (recording.snapshot().problem?.kind === "audio_blocked") void recording.resume();
    else if (isRecording(recording.snapshot())) void recording.stop();
    else void recording.start();
  }, [recording]);
  return { recording, snapshot, utterances, toggle };
}

/** Call `act` after `ms` while `isRunning`; begins anew whenever `cause` changes. */
function useTimer(act: () => void, ms: number, isRunning: boolean, cause: unknown): void {
  const latest = useLatest(act);
  useEffect(() => {
    if (!isRunning) return;
    const timer = setTimeout(() => latest.current(), ms);
    return () => clearTimeout(timer);
  }, [latest, ms, isRunning, cause]);
}
