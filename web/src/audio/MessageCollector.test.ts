import fc from "fast-check";
import { expect, test } from "vitest";
import { MessageCollector } from "./MessageCollector";

function collectorOf(messageFrames: number) {
  const messages: Float32Array[] = [];
  return { messages, collector: new MessageCollector(messageFrames, (one) => messages.push(one)) };
}

const sample = fc.float({ min: -1, max: 1, noNaN: true });
const blocks = fc.array(fc.array(sample, { maxLength: 300 }), { maxLength: 40 });
/** From 10 ms at 8 kHz to 25 ms at 96 kHz. */
const messageLength = fc.integer({ min: 1, max: 2_400 });

test("messages and tail put together are what went in", () => {
  fc.assert(
    fc.property(blocks, messageLength, (input, messageFrames) => {
      const { messages, collector } = collectorOf(messageFrames);
      for (const block of input) collector.push([Float32Array.from(block)]);
      collector.flush();
      expect(messages.flatMap((message) => [...message])).toEqual(input.flat());
    }),
  );
});

test("all messages but the tail have the asked length", () => {
  fc.assert(
    fc.property(blocks, messageLength, (input, messageFrames) => {
      const { messages, collector } = collectorOf(messageFrames);
      for (const block of input) collector.push([Float32Array.from(block)]);
      const frames = input.flat().length;
      expect(messages.map((message) => message.length)).toEqual(
        Array.from({ length: Math.floor(frames / messageFrames) }, () => messageFrames),
      );
    }),
  );
});

test("each message is an array of its own, which may be transferred", () => {
  const { messages, collector } = collectorOf(2);
  collector.push([Float32Array.of(1, 2, 3, 4, 5)]);
  collector.flush();
  expect(new Set(messages.map((message) => message.buffer)).size).toBe(3);
  expect(messages.map((message) => message.buffer.byteLength)).toEqual([8, 8, 4]);
});

test("several channels become their mean", () => {
  const { messages, collector } = collectorOf(2);
  collector.push([Float32Array.of(1, 0.5), Float32Array.of(0, -0.5), Float32Array.of(0.5, 0)]);
  expect(messages).toEqual([Float32Array.of(0.5, 0)]);
});

test("a block without channels is no audio", () => {
  const { messages, collector } = collectorOf(1);
  collector.push([]);
  collector.flush();
  expect(messages).toEqual([]);
});

test("a message without frames is refused", () => {
  expect(() => collectorOf(0)).toThrow(RangeError);
});
