import { expect, test } from "vitest";
import { LatencyMeter } from "./LatencyMeter";

test("nothing is known before something was measured", () => {
  expect(new LatencyMeter().latency).toEqual({ lineMs: null, finalMs: null });
});

test("finals are the median of the last five", () => {
  const meter = new LatencyMeter();
  for (const ms of [9_000, 500, 100, 400, 300, 200]) meter.finished(ms);
  expect(meter.latency.finalMs).toBe(300);
});

test("of two finals it is the middle between them", () => {
  const meter = new LatencyMeter();
  meter.finished(100);
  meter.finished(300);
  expect(meter.latency.finalMs).toBe(200);
});

test("the line is as slow as it was last", () => {
  const meter = new LatencyMeter();
  meter.acknowledged(80);
  meter.acknowledged(40);
  expect(meter.latency.lineMs).toBe(40);
});
