import url from "../audio/capture.worklet.ts?worker&url";

/** Where the microphone's worklet is served. */
export const workletUrl = url;

/**
 * Have the browser keep the worklet, which the relay allows for a year: recording can then begin
 * while the relay is away. Where it can't be had now, it is asked for again when it is needed.
 */
export function keepWorklet(): void {
  fetch(workletUrl).catch(() => undefined);
}
