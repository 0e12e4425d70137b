/**
 * Runs on the audio thread and posts what the microphone gives, in messages of one length.
 *
 * A module of its own, loaded with `audioWorklet.addModule`; it must not import anything that
 * touches the page.
 */

import {
  type CaptureMessage,
  type CaptureProcessorOptions,
  FLUSH,
  FLUSHED,
  PROCESSOR_NAME,
} from "./captureProtocol";
import { MessageCollector } from "./MessageCollector";

// The global scope of the audio thread, which TypeScript's DOM library leaves out.
declare const sampleRate: number;
declare class AudioWorkletProcessor {
  readonly port: MessagePort;
}
declare function registerProcessor(
  name: string,
  processor: new (options: { processorOptions: CaptureProcessorOptions }) => AudioWorkletProcessor,
): void;

class CaptureProcessor extends AudioWorkletProcessor {
  private readonly collector: MessageCollector;
  private isFlushed = false;

  constructor({ processorOptions }: { processorOptions: CaptureProcessorOptions }) {
    super();
    const frames = Math.max(1, Math.round((processorOptions.messageMs / 1000) * sampleRate));
    this.collector = new MessageCollector(frames, (message) => this.post(message));
    this.port.onmessage = ({ data }) => {
      if (data === FLUSH) this.flush();
    };
  }

  /** Called for every block of 128 frames; `false` lets the browser free the node. */
  process(inputs: Float32Array[][]): boolean {
    if (!this.isFlushed) this.collector.push(inputs[0] ?? []);
    return !this.isFlushed;
  }

  private flush(): void {
    this.isFlushed = true;
    this.collector.flush();
    this.post(FLUSHED);
  }

  private post(message: CaptureMessage): void {
    this.port.postMessage(message, message === FLUSHED ? [] : [message.buffer]);
  }
}

registerProcessor(PROCESSOR_NAME, CaptureProcessor);
