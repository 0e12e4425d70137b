/** What the page and the audio thread say to each other. */

/** Name under which the processor is registered. */
export const PROCESSOR_NAME = "scribe-relay-capture";

/** Of `AudioWorkletNodeOptions`. */
export interface CaptureProcessorOptions {
  /** Length of a message in milliseconds. */
  messageMs: number;
}

/** Page → audio thread: post what you have, answer `FLUSHED`, and stop. */
export const FLUSH = "flush";

/** Audio thread → page: nothing comes after this. */
export const FLUSHED = "flushed";

/** Audio thread → page: mono samples, transferred, or the answer to `FLUSH`. */
export type CaptureMessage = Float32Array<ArrayBuffer> | typeof FLUSHED;
