import fc from "fast-check";
import { expect, test } from "vitest";
import { AudioRing, type Entry } from "./AudioRing";
import { MAX_MESSAGE_BYTES } from "./protocol";

const RATE = 8_000;

/** Samples that count on from `first`, so that each tells which one it is. */
function counting(first: number, length: number): Float32Array {
  return Float32Array.from({ length }, (_, index) => first + index);
}

function say(ring: AudioRing, length: number, rate = RATE, givenAtMs = 0): void {
  ring.append(counting(ring.end, length), rate, givenAtMs);
}

function drain(ring: AudioRing): Entry[] {
  const entries: Entry[] = [];
  for (let entry = ring.next(); entry !== null; entry = ring.next()) entries.push(entry);
  return entries;
}

function samplesOf(entries: Entry[]): number[] {
  return entries.flatMap((entry) => (entry.kind === "audio" ? [...entry.samples] : []));
}

test("any chunking, any cover point: what is sent again is what was said behind it", () => {
  fc.assert(
    fc.property(
      fc.array(
        fc.record({
          length: fc.integer({ min: 1, max: 500 }),
          rate: fc.constantFrom(8_000, 16_000, 48_000),
          covered: fc.double({ min: 0, max: 1, noNaN: true }),
        }),
        { minLength: 1, maxLength: 30 },
      ),
      (steps) => {
        const ring = new AudioRing(300);
        let covered = 0;
        for (const { length, rate, covered: share } of steps) {
          say(ring, length, rate);
          drain(ring);
          covered = Math.max(covered, Math.floor(ring.end * share));
          ring.cover(covered);
          ring.rewind(covered);
          const expected = counting(covered, ring.end - covered);
          expect(samplesOf(drain(ring)).join()).toBe(expected.join());
        }
      },
    ),
  );
});

test("a quarter of a second behind the cover point is kept, and no chunk before it", () => {
  const ring = new AudioRing(300);
  for (let index = 0; index < 20; index += 1) say(ring, RATE / 10);
  ring.cover(RATE);
  expect(ring.start).toBe(RATE * 0.7);
});

test("a final for what was dropped frees nothing of what is there", () => {
  const ring = new AudioRing(1);
  for (let index = 0; index < 16; index += 1) say(ring, RATE / 8);
  ring.cover(RATE / 2);
  expect([ring.start, ring.end]).toEqual([RATE, 2 * RATE]);
});

test("beyond the bound the oldest is dropped, and the hole is told before what follows it", () => {
  const ring = new AudioRing(1);
  for (let index = 0; index < 12; index += 1) say(ring, RATE / 8);
  const [hole, ...rest] = drain(ring);
  expect(hole).toEqual({ kind: "hole", from: 0, to: RATE / 2 });
  expect(samplesOf(rest)).toEqual([...counting(RATE / 2, RATE)]);
});

test("the newest chunk stays, however short the bound", () => {
  const ring = new AudioRing(0.01);
  say(ring, RATE);
  expect(samplesOf(drain(ring))).toHaveLength(RATE);
});

test("chunks go out as they came, and those too long for a message are split", () => {
  const ring = new AudioRing(300);
  say(ring, 400);
  say(ring, MAX_MESSAGE_BYTES / 4 + 1);
  const lengths = drain(ring).map((entry) => (entry.kind === "audio" ? entry.samples.length : 0));
  expect(lengths).toEqual([400, MAX_MESSAGE_BYTES / 4, 1]);
});

test("markers stand in order with audio", () => {
  const ring = new AudioRing(300);
  say(ring, 10);
  ring.mark("commit");
  say(ring, 10);
  ring.mark("stop");
  expect(drain(ring).map((entry) => (entry.kind === "marker" ? entry.marker : "audio"))).toEqual([
    "audio",
    "commit",
    "audio",
    "stop",
  ]);
});

test("the same marker twice at one place is one, until it has been sent", () => {
  const ring = new AudioRing(300);
  ring.mark("commit");
  ring.mark("commit");
  expect(drain(ring)).toHaveLength(1);
  ring.mark("commit");
  expect(drain(ring)).toHaveLength(1);
});

test("a commit without its final is sent again, one with it isn't", () => {
  const ring = new AudioRing(300);
  for (let index = 0; index < 2; index += 1) {
    say(ring, 1_000);
    ring.mark("commit");
  }
  drain(ring);
  ring.cover(900); // the relay's filter looks ahead, so a final ends before its marker
  ring.answer(900);
  ring.rewind(900);
  const markers = drain(ring).filter(({ kind }) => kind === "marker");
  expect(markers).toHaveLength(1);
});

test("a final that the relay asked for itself answers no commit that lies far behind it", () => {
  const ring = new AudioRing(300);
  say(ring, RATE * 2);
  ring.mark("commit");
  drain(ring);
  ring.cover(RATE);
  ring.answer(RATE);
  ring.rewind(RATE);
  expect(drain(ring).at(-1)).toEqual({ kind: "marker", marker: "commit" });
});

test("a new session is not told to commit what it never had, but to stop", () => {
  const ring = new AudioRing(300);
  say(ring, 10);
  ring.mark("commit");
  ring.mark("stop");
  ring.cover(10);
  ring.forgetMarkersAt(10);
  ring.rewind(10);
  expect(drain(ring)).toEqual([{ kind: "marker", marker: "stop" }]);
});

test("a sample was spoken as long before its message was given as others follow it", () => {
  const ring = new AudioRing(300);
  say(ring, RATE, RATE, 5_000);
  expect(ring.spokenAtMs(RATE / 2)).toBe(4_500);
  expect(ring.givenAtMs(RATE / 2)).toBe(5_000);
  expect(ring.spokenAtMs(RATE + 1)).toBeNull();
});

test("what the relay was told of stays until it has asked for it", () => {
  const ring = new AudioRing(1);
  const speak = (seconds: number) => {
    for (let index = 0; index < seconds * 8; index += 1) say(ring, RATE / 8);
  };
  speak(1);
  ring.hold();
  speak(1);
  expect(ring.start).toBe(0);
  ring.resume(0);
  speak(0.5);
  expect(ring.start).toBe(0);
  drain(ring);
  speak(0.25);
  expect([ring.start, ring.end]).toEqual([RATE / 4, 2.75 * RATE]);
  ring.cover(2 * RATE); // what is free then isn't needed again
  speak(1);
  expect([ring.start, ring.end]).toEqual([2.75 * RATE, 3.75 * RATE]);
});

test("a line that breaks again holds no more than the bound", () => {
  const ring = new AudioRing(1);
  ring.hold();
  for (let index = 0; index < 3; index += 1) say(ring, RATE);
  ring.release();
  say(ring, RATE);
  expect(ring.start).toBe(3 * RATE);
});
