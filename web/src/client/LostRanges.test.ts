import fc from "fast-check";
import { expect, test } from "vitest";
import { LostRanges } from "./LostRanges";

test("each lost frame is told once", () => {
  const range = fc
    .tuple(fc.nat(100), fc.nat(100))
    .map(([a, b]) => [Math.min(a, b), Math.max(a, b)]);
  fc.assert(
    fc.property(fc.array(range, { maxLength: 20 }), (ranges) => {
      const lost = new LostRanges();
      const told: number[] = [];
      const expected = new Set<number>();
      for (const [from = 0, to = 0] of ranges) {
        for (const part of lost.add(from, to)) {
          for (let frame = part.from; frame < part.to; frame += 1) told.push(frame);
        }
        for (let frame = from; frame < to; frame += 1) expected.add(frame);
      }
      expect(told.toSorted((a, b) => a - b)).toEqual([...expected].toSorted((a, b) => a - b));
    }),
  );
});

test("a known range between two new parts is left out", () => {
  const lost = new LostRanges();
  lost.add(10, 20);
  expect(lost.add(5, 25)).toEqual([
    { from: 5, to: 10 },
    { from: 20, to: 25 },
  ]);
});
