import { expect, test } from "vitest";
import { LostRanges } from "./LostRanges";

test("what the relay left out is lost when it covers what follows, and told once", () => {
  const lost = new LostRanges();
  lost.leaveOut(10, 20, "why");
  expect(lost.cover(19)).toEqual([]);
  expect(lost.cover(20)).toEqual([{ from: 19, to: 20, reason: "why" }]);
  expect(lost.cover(30)).toEqual([]);
});

test("what was never sent is lost when all before it has its final", () => {
  const lost = new LostRanges();
  lost.skip(10, 20, "why");
  expect(lost.cover(9)).toEqual([]);
  expect(lost.cover(10)).toEqual([{ from: 10, to: 20, reason: "why" }]);
  expect(lost.end).toBe(20);
});

test("a final that comes again leaves the rest of what isn't there any more", () => {
  const lost = new LostRanges();
  lost.skip(10, 20, "why");
  expect(lost.cover(14)).toEqual([{ from: 14, to: 20, reason: "why" }]);
});

test("what has its final is no loss, whoever says so", () => {
  const lost = new LostRanges();
  lost.cover(15);
  lost.leaveOut(5, 15, "why");
  lost.leaveOut(5, 20, "why");
  expect(lost.pending).toEqual([{ from: 15, to: 20 }]);
  expect(lost.cover(30)).toEqual([{ from: 15, to: 20, reason: "why" }]);
});

test("stretches that touch or overlap are one, in the order of frames", () => {
  const lost = new LostRanges();
  lost.skip(30, 40, "b");
  lost.leaveOut(10, 30, "a");
  lost.leaveOut(20, 25, "a");
  lost.skip(50, 60, "c");
  expect(lost.cover(70)).toEqual([
    { from: 10, to: 40, reason: "a" },
    { from: 50, to: 60, reason: "c" },
  ]);
});

test("what is sent again isn't lost", () => {
  const lost = new LostRanges();
  lost.leaveOut(10, 20, "why");
  lost.leaveOut(30, 40, "why");
  lost.rewind(20);
  expect(lost.cover(50)).toEqual([{ from: 10, to: 20, reason: "why" }]);
});
