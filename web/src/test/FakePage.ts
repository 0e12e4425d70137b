/** A page's microphone and its way to a relay, as globals; the test plays both ends. */

import { vi } from "vitest";

import { FakeBrowser } from "./FakeAudio";
import { FakeWebSockets, type FakeWebSocket } from "./FakeWebSocket";

/** Of a message of the microphone, in milliseconds. */
const MESSAGE_MS = 50;

/** Needs fake timers; `vi.unstubAllGlobals()` takes it away again. */
export class FakePage {
  readonly browser = new FakeBrowser();
  readonly sockets = new FakeWebSockets();
  private seq = 0;

  constructor() {
    const { browser, sockets } = this;
    browser.sampleRate = 8_000;
    const { document, mediaDevices, permissions, wakeLock, ...rest } = browser.asBrowser();
    const { isSecureContext, AudioContext, AudioWorkletNode } = rest;
    const WebSocket = function (url: string, protocols: string[]) {
      return sockets.create(url, protocols);
    };
    const globals = { isSecureContext, AudioContext, AudioWorkletNode, WebSocket };
    for (const [name, value] of Object.entries(globals)) vi.stubGlobal(name, value);
    // React needs a real document, where there is one.
    if (!("document" in globalThis)) vi.stubGlobal("document", document);
    const languages = ["en"];
    vi.stubGlobal("navigator", { mediaDevices, permissions, wakeLock, languages, userAgent: "" });
  }

  get socket(): FakeWebSocket {
    return this.sockets.last;
  }

  /** Open the last socket and let the session begin. */
  accept(fields: object = {}): void {
    this.socket.open();
    this.say("session_started", {
      ...{ session_id: "s", resume_token: null, config: {} },
      limits: { minutes_left: 30, max_session_seconds: null },
      ...fields,
    });
  }

  say(message_type: string, fields: object = {}): void {
    this.socket.receive({ message_type, seq: (this.seq += 1), ...fields });
  }

  /** A segment that ends `endSeconds` after the session's first sample. */
  final(text: string, segment: number, endSeconds: number): void {
    const end_sample = endSeconds * this.browser.sampleRate;
    this.say("committed_transcript", { text, segment, end_sample, cause: "vad" });
  }

  /** The same segment again, as one word of half a second at its end. */
  timed(text: string, segment: number, endSeconds: number): void {
    const words = [{ text, start: endSeconds - 0.5, end: endSeconds, type: "word" }];
    const end_sample = endSeconds * this.browser.sampleRate;
    const fields = { text, segment, end_sample, cause: "vad", words, language_code: "en" };
    this.say("committed_transcript_with_timestamps", fields);
  }

  /** Answer to `stop`. */
  finish(): void {
    this.say("session_ended", { reason: "stopped", audio_ms: 0, segments: 0, words: 0 });
    this.socket.drop(1000);
  }

  /** Let the microphone hear a sound while the time passes; 0 is silence, 1 full scale. */
  async hear(ms: number, loudness = 0.1): Promise<void> {
    for (let passed = 0; passed < ms; passed += MESSAGE_MS) {
      const { context } = this.browser;
      context.hear(new Float32Array((context.sampleRate * MESSAGE_MS) / 1_000).fill(loudness));
      await this.pass(MESSAGE_MS);
    }
  }

  /** Let time pass, and everything happen that is due. */
  async pass(ms = 0): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
  }

  /** Seconds that went out over the last socket. */
  get sentSeconds(): number {
    return this.socket.samples.length / this.browser.sampleRate;
  }

  /** What a page would be left with, sockets that nobody closed included. */
  get leftovers(): Record<string, number> {
    const openSockets = this.sockets.all.filter((socket) => socket.onclose !== null).length;
    return { ...this.browser.leftovers, openSockets, timers: vi.getTimerCount() };
  }
}

export const NOTHING_LEFT = {
  ...{ listeners: 0, liveTracks: 0, openContexts: 0, openPorts: 0, wakeLocks: 0 },
  ...{ openSockets: 0, timers: 0 },
};
