import { expect, test } from "vitest";
import { measureLevel, SILENCE_DBFS, toDbfs } from "./level";

test("digital silence is the floor", () => {
  const silence = { rmsDbfs: SILENCE_DBFS, peakDbfs: SILENCE_DBFS, clipped: 0 };
  expect(measureLevel(new Float32Array(100))).toEqual(silence);
  expect(measureLevel(new Float32Array(0))).toEqual(silence);
});

test("a full sine has a peak of 0 and an rms of −3.01 dBFS", () => {
  const sine = Float32Array.from({ length: 4_800 }, (_, n) => Math.sin((2 * Math.PI * n) / 48));
  const level = measureLevel(sine);
  expect(level.peakDbfs).toBeCloseTo(0, 5);
  expect(level.rmsDbfs).toBeCloseTo(-3.01, 2);
});

test("a negative peak counts as much as a positive one", () => {
  expect(measureLevel(Float32Array.of(0.1, -0.5)).peakDbfs).toBeCloseTo(-6.02, 2);
});

test("samples at or over 16-bit full scale have clipped", () => {
  const samples = Float32Array.of(1, -1, 1.5, 32767 / 32768, 32766 / 32768, 0);
  expect(measureLevel(samples).clipped).toBe(4);
});

test("a tenth of the amplitude is 20 dB less", () => {
  expect(toDbfs(0.1)).toBeCloseTo(-20, 5);
});
