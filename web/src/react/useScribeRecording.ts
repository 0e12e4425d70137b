import { useEffect, useMemo } from "react";

import type { Problem } from "../client/problems";
import type { Segment } from "../client/types";
import type { Recording } from "../recording/Recording";
import type { RecordingOptions } from "../recording/RecordingOptions";
import {
  isConnected,
  isRecording,
  type RecordingSnapshot,
  type RecordingState,
} from "../recording/RecordingSnapshot";
import type { Statistics } from "../transcript/statistics";
import { segmentsOf } from "../transcript/Transcript";
import { useLatest } from "./useLatest";
import { useLevel } from "./useLevel";
import { useRecording } from "./useRecording";

export interface ScribeRecordingOptions extends RecordingOptions, ScribeCallbacks {}

export interface ScribeCallbacks {
  /** The open segment so far. */
  onPartialTranscript?: (text: string) => void;
  /** A segment that won't change; once for each. */
  onCommittedTranscript?: (segment: Segment) => void;
  onError?: (problem: Problem) => void;
  onStateChange?: (state: RecordingState) => void;
}

export interface ScribeRecording {
  isConnected: boolean;
  isRecording: boolean;
  isMuted: boolean;
  /** The open segment so far; empty between segments. */
  partialTranscript: string;
  committedTranscripts: readonly Segment[];
  /** What is wrong now; `texts(language).remedy(error)` says it to people, with the next step. */
  error: Problem | null;
  /** Loudness from 0 (silence) to 1 (full scale). */
  level: number;
  state: RecordingState;
  stats: Statistics;
  /** Everything else: gaps, latency, devices, what the microphone really does. */
  snapshot: RecordingSnapshot;
  /** Call it in a click. Resolves when the microphone listens. */
  startRecording: () => Promise<void>;
  /** Resolves when the last words are there. */
  stopRecording: () => Promise<void>;
  mute: () => void;
  unmute: () => void;
  /** End the segment here, with `commitStrategy: "manual"`. */
  commit: () => void;
  /** Forget what was said. Not while recording. */
  clear: () => void;
}

/**
 * Record the microphone and get words, in a component of one's own.
 *
 * Functions keep their identity. Callbacks and options may be new objects at every render: nothing
 * is connected or subscribed again for it; options count from the next start.
 */
export function useScribeRecording(options: ScribeRecordingOptions = {}): ScribeRecording {
  const [recording, snapshot] = useRecording(options);
  const level = useLevel(recording);
  useScribeCallbacks(recording, options);

  const acts = useMemo(
    () => ({
      startRecording: () => recording.start(),
      stopRecording: () => recording.stop(),
      mute: () => recording.mute(),
      unmute: () => recording.unmute(),
      commit: () => recording.commit(),
      clear: () => recording.clear(),
    }),
    [recording],
  );
  const { entries } = snapshot.transcript;
  const committedTranscripts = useMemo(() => segmentsOf({ entries }), [entries]);
  return {
    isConnected: isConnected(snapshot),
    isRecording: isRecording(snapshot),
    isMuted: snapshot.isMuted,
    partialTranscript: snapshot.transcript.partial,
    committedTranscripts,
    error: snapshot.problem,
    level,
    state: snapshot.state,
    stats: snapshot.statistics,
    snapshot,
    ...acts,
  };
}

/** Call the newest callbacks; nothing is subscribed again because they change. */
export function useScribeCallbacks(recording: Recording, callbacks: ScribeCallbacks): void {
  const latest = useLatest(callbacks);
  useEffect(() => {
    let { state } = recording.snapshot();
    const subscriptions = [
      recording.on("partial", (text) => latest.current.onPartialTranscript?.(text)),
      recording.on("segment", (segment) => latest.current.onCommittedTranscript?.(segment)),
      recording.on("problem", (problem) => latest.current.onError?.(problem)),
      recording.subscribe(() => {
        if (recording.snapshot().state === state) return;
        ({ state } = recording.snapshot());
        latest.current.onStateChange?.(state);
      }),
    ];
    return () => subscriptions.forEach((unsubscribe) => unsubscribe());
  }, [recording, latest]);
}
