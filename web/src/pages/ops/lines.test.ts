import { expect, test, vi } from "vitest";

// Nothing is drawn here, and it asks for a screen when it is loaded.
vi.mock("uplot", () => ({ default: {} }));

import { labels } from "./lines";

test("ticks between whole numbers have no label where only whole ones are shown", () => {
  expect(labels([0, 0.5, 1], (value) => String(Math.round(value)))).toEqual(["0", "", "1"]);
  expect(labels([0, 0.5, 1], (value) => value.toFixed(1))).toEqual(["0.0", "0.5", "1.0"]);
});
