import { beforeEach, expect, test, vi } from "vitest";
import { FLUSH, FLUSHED, PROCESSOR_NAME } from "./captureProtocol";

interface Processor {
  port: FakePort;
  process(inputs: Float32Array[][]): boolean;
}

class FakePort {
  readonly posted: { message: unknown; transferred: unknown[] }[] = [];
  onmessage: (event: { data: unknown }) => void = () => undefined;

  postMessage(message: unknown, transferred: unknown[]): void {
    this.posted.push({ message, transferred });
  }
}

const registered = new Map<string, new (options: unknown) => Processor>();

beforeEach(async () => {
  vi.stubGlobal("sampleRate", 8_000);
  vi.stubGlobal(
    "AudioWorkletProcessor",
    class {
      readonly port = new FakePort();
    },
  );
  vi.stubGlobal("registerProcessor", registered.set.bind(registered));
  vi.resetModules();
  await import("./capture.worklet");
});

function newProcessor(messageMs: number): Processor {
  const Class = registered.get(PROCESSOR_NAME);
  if (Class === undefined) throw new Error(`${PROCESSOR_NAME} is not registered.`);
  return new Class({ processorOptions: { messageMs } });
}

const block = () => [[new Float32Array(128).fill(0.5)]];

test("messages have the asked length at the context's rate, and are transferred", () => {
  const processor = newProcessor(20);
  processor.process(block());
  processor.process(block());
  const message = new Float32Array(160).fill(0.5);
  expect(processor.port.posted).toEqual([{ message, transferred: [message.buffer] }]);
});

test("a flush posts the tail, then says so, and ends the processor", () => {
  const processor = newProcessor(20);
  expect(processor.process(block())).toBe(true);
  processor.port.onmessage({ data: FLUSH });
  expect(processor.process(block())).toBe(false);
  expect(processor.port.posted.map(({ message }) => message)).toEqual([
    new Float32Array(128).fill(0.5),
    FLUSHED,
  ]);
});

test("an unconnected input posts nothing", () => {
  const processor = newProcessor(20);
  processor.process([[]]);
  processor.process([]);
  expect(processor.port.posted).toEqual([]);
});
