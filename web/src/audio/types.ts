/** What a microphone gives, and what can be chosen. */

import type { Problem } from "../client/problems";

export interface MicrophoneOptions {
  /** Of `enumerateDevices`; the system's default if undefined or gone. */
  deviceId?: string | undefined;
  /** False by default: the browser's processing changes what is heard. */
  echoCancellation?: boolean | undefined;
  noiseSuppression?: boolean | undefined;
  autoGainControl?: boolean | undefined;
  /** Length of a message, 10–500; 50 by default. */
  messageMs?: number | undefined;
  /** Where `capture.worklet.js` is served from; beside this module by default. */
  workletUrl?: string | URL | undefined;
  /** Keep the screen on while listening; true by default. */
  keepsAwake?: boolean | undefined;
}

/** What the browser really applied. */
export interface AppliedAudio {
  deviceId: string | null;
  label: string;
  /** Of the AudioContext, in Hz: the device's own, never forced. */
  sampleRate: number;
  echoCancellation: boolean | null;
  noiseSuppression: boolean | null;
  autoGainControl: boolean | null;
}

export interface AudioDevice {
  deviceId: string;
  /** Empty before the permission is given. */
  label: string;
}

/** Loudness of a message. */
export interface Level {
  /** Full scale is 0; silence is −120. */
  rmsDbfs: number;
  peakDbfs: number;
  /** Samples at full scale. */
  clipped: number;
}

export interface MicrophoneEvents {
  /** Mono float32 at `sampleRate`; the receiver owns the array. */
  audio: { samples: Float32Array; sampleRate: number };
  level: Level;
  /** At start, and whenever the device, its rate or its processing changed. */
  applied: AppliedAudio;
  devices: readonly AudioDevice[];
  /** Nothing is heard for now (a call on iOS, the page hidden by the system); `false`: it goes on. */
  interrupted: boolean;
  /** Not final: it listens on, on another device or to silence. Final: it has stopped. */
  problem: Problem;
}
