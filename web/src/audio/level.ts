import type { Level } from "./types";

/** What is shown for digital silence, whose logarithm has no end; below what 16 bits can hold. */
export const SILENCE_DBFS = -120;

/** The loudest value that 16-bit samples can hold; from there on a microphone has clipped. */
const FULL_SCALE = 32767 / 32768;

/** Loudness of a stretch of samples in ±1; of an empty one it is silence. */
export function measureLevel(samples: Float32Array): Level {
  let energy = 0;
  let peak = 0;
  let clipped = 0;
  for (const sample of samples) {
    const size = Math.abs(sample);
    energy += sample * sample;
    if (size > peak) peak = size;
    if (size >= FULL_SCALE) clipped++;
  }
  const rms = Math.sqrt(energy / Math.max(1, samples.length));
  return { rmsDbfs: toDbfs(rms), peakDbfs: toDbfs(peak), clipped };
}

/** Decibels below an amplitude of 1, never below `SILENCE_DBFS`. */
export function toDbfs(amplitude: number): number {
  return Math.max(SILENCE_DBFS, 20 * Math.log10(amplitude));
}
