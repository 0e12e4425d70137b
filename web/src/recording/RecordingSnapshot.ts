import type { AppliedAudio, AudioDevice } from "../audio/types";
import type { Problem } from "../client/problems";
import type { Latency } from "../client/types";
import { emptyStatistics, type Statistics } from "../transcript/statistics";
import { emptyTranscript, type Transcript } from "../transcript/Transcript";

/**
 * - `idle`: nothing is recorded, or not any more
 * - `starting`: waiting for the microphone
 * - `connecting`, `live`, `reconnecting`, `resumed`: recording, and how the line is
 * - `stopping`: the microphone is off, the last words are on their way
 */
export type RecordingState =
  "idle" | "starting" | "connecting" | "live" | "reconnecting" | "resumed" | "stopping";

/** What a recording is like at one moment; a new object at each change, never changed itself. */
export interface RecordingSnapshot {
  state: RecordingState;
  transcript: Transcript;
  statistics: Statistics;
  /** What is wrong now, and goes away by itself or by what a person does. */
  problem: Problem | null;
  /** The relay's last hint, in its own words. */
  warning: { code: string; text: string } | null;
  /** Waiting for one of the provider's places. */
  queue: { position: number; estimatedWaitMs: number | null } | null;
  isMuted: boolean;
  /** The system took the microphone away for now: a call, a hidden page. */
  isInterrupted: boolean;
  /** What the microphone really does; null before the first start. */
  applied: AppliedAudio | null;
  devices: readonly AudioDevice[];
  latency: Latency;
  /** Of the account's day; null for no limit, or not known. */
  minutesLeft: number | null;
  /** The relay keeps the audio as well, which whoever speaks has to know. */
  isRecorded: boolean;
}

export const initialSnapshot: RecordingSnapshot = {
  state: "idle",
  transcript: emptyTranscript,
  statistics: emptyStatistics,
  problem: null,
  warning: null,
  queue: null,
  isMuted: false,
  isInterrupted: false,
  applied: null,
  devices: [],
  latency: { lineMs: null, finalMs: null },
  minutesLeft: null,
  isRecorded: false,
};

/** Whether something is recorded. */
export function isRecording({ state }: RecordingSnapshot): boolean {
  return state !== "idle" && state !== "stopping";
}

/** Whether the relay hears it at once. */
export function isConnected({ state }: RecordingSnapshot): boolean {
  return state === "live" || state === "resumed";
}
