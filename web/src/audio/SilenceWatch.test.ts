import { expect, test } from "vitest";
import { SilenceWatch } from "./SilenceWatch";

const levelOf = (rmsDbfs: number) => ({ rmsDbfs, peakDbfs: rmsDbfs, clipped: 0 });
const SILENT = levelOf(-120);
const SPEECH = levelOf(-30);

/** When it warned, in milliseconds from the first message of 50 ms. */
function warningsIn(watch: SilenceWatch, durationMs: number, level = SILENT): number[] {
  const times = Array.from({ length: durationMs / 50 }, (_, index) => (index + 1) * 50);
  return times.filter(() => watch.hear(level, 50));
}

test("silence from the start is told after five seconds, once", () => {
  expect(warningsIn(new SilenceWatch(), 60_000)).toEqual([5_000]);
});

test("silence after a sound is told after fifteen seconds", () => {
  const watch = new SilenceWatch();
  watch.hear(SPEECH, 50);
  expect(warningsIn(watch, 60_000)).toEqual([15_000]);
});

test("it is told again only after a sound was heard", () => {
  const watch = new SilenceWatch();
  warningsIn(watch, 10_000);
  watch.hear(SPEECH, 50);
  expect(warningsIn(watch, 20_000)).toEqual([15_000]);
});

test("a sound starts the count anew", () => {
  const watch = new SilenceWatch();
  watch.hear(SPEECH, 50);
  warningsIn(watch, 14_000);
  watch.hear(SPEECH, 50);
  expect(warningsIn(watch, 14_000)).toEqual([]);
});

test("a quiet room is a sound, what lies under −70 dBFS is none", () => {
  expect(warningsIn(new SilenceWatch(), 10_000, levelOf(-70))).toEqual([]);
  expect(warningsIn(new SilenceWatch(), 10_000, levelOf(-70.1))).toEqual([5_000]);
});
