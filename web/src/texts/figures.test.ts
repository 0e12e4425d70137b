import { expect, test } from "vitest";

import { enFigures, ruFigures } from "./figures";

test("seconds have a decimal below ten", () => {
  expect([0.43, 6, 9.94, 12.3].map(enFigures.seconds)).toEqual(["0.4 s", "6 s", "9.9 s", "12 s"]);
  expect(ruFigures.seconds(2.5)).toBe("2,5 с");
});

test("what is there is never written as nothing", () => {
  expect(enFigures.seconds(0.001)).toBe("0.1 s");
});

test("milliseconds are whole", () => {
  expect(enFigures.milliseconds(181.6)).toBe("182 ms");
  expect(ruFigures.milliseconds(181.6)).toBe("182 мс");
});

test("a time to wait is rounded up, and in no more than two units", () => {
  const minute = 60_000;
  const times = [400, 59_001, 4.2 * minute, 59.5 * minute, 200 * minute, 120 * minute];
  expect(times.map(enFigures.duration)).toEqual([
    "1 s",
    "1 min",
    "5 min",
    "1 h",
    "3 h 20 min",
    "2 h",
  ]);
  expect(ruFigures.duration(200 * minute)).toBe("3 ч 20 мин");
});

test("rates are in kilohertz", () => {
  expect([enFigures.rate(48_000), ruFigures.rate(44_100)]).toEqual(["48 kHz", "44,1 кГц"]);
});
