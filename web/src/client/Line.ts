/** One WebSocket: sends at its pace, and notices when it is dead. */

import type { OutgoingMessage } from "./Conversation";
import { CloseCode } from "./protocol";

/** As much of a WebSocket as is used here. */
export interface SocketLike {
  readonly bufferedAmount: number;
  readonly readyState: number;
  onopen: ((event: Event) => void) | null;
  onmessage: ((event: MessageEvent) => void) | null;
  onclose: ((event: CloseEvent) => void) | null;
  send(message: string | Float32Array): void;
  close(code?: number): void;
}

export interface LineListeners {
  /** Asked for what goes out next, together; nothing for now if it is empty. */
  takeMessages(): OutgoingMessage[];
  opened(): void;
  received(text: unknown): void;
  /** By itself; with the code of a close frame, or 1006. */
  lost(code: number): void;
}

/**
 * Bytes that may wait in the browser. 1.4 s of 48 kHz float32: enough to keep any line busy from
 * one look to the next, little enough that a `stop` or a new device isn't stuck behind minutes.
 * What isn't sent yet stays in the ring, where it is counted.
 */
export const HIGH_WATER_BYTES = 256 * 1024;

/** How often a full buffer is looked at; a WebSocket doesn't say when it has drained. */
const DRAIN_INTERVAL_MS = 50;

/** The relay acknowledges audio about once a second: so long without a word is a dead line. */
export const SILENCE_TIMEOUT_MS = 15_000;

/**
 * A full buffer may be the relay's doing, which reads no further while the provider is slow; but
 * then it says something now and then, and a dead line doesn't.
 */
export const BLOCKED_TIMEOUT_MS = 60_000;

/** `WebSocket.OPEN`, where there is no `WebSocket`. */
const OPEN = 1;

/** Of an application's own range. With 1000 the relay would take it that the session is over. */
export const ABANDONED = 4000;

/** TCP may take minutes to notice a dead line, so this looks for itself while audio is sent. */
export class Line {
  private readonly socket: SocketLike;
  private readonly listeners: LineListeners;
  private isOpen = false;
  private drain: ReturnType<typeof setInterval> | undefined;
  private silence: ReturnType<typeof setTimeout> | undefined;

  constructor(socket: SocketLike, listeners: LineListeners) {
    this.socket = socket;
    this.listeners = listeners;
    socket.onopen = () => this.open();
    socket.onmessage = ({ data }) => this.receive(data);
    socket.onclose = ({ code }) => {
      this.release();
      listeners.lost(code);
    };
  }

  /** Send what there is, as far as the buffer takes it; the rest follows by itself. */
  pump(): void {
    if (this.drain !== undefined) return;
    while (this.takesMessages) {
      if (this.socket.bufferedAmount > HIGH_WATER_BYTES) {
        this.waitForDrain();
        return;
      }
      const messages = this.listeners.takeMessages();
      if (messages.length === 0) return;
      this.send(messages);
    }
  }

  /** Close; nothing is heard of this line any more. */
  close(code: number = CloseCode.ended): void {
    this.release();
    this.socket.close(code);
  }

  /** A close frame that has come is told a moment later: what is sent in between, browsers drop. */
  private get takesMessages(): boolean {
    return this.isOpen && this.socket.readyState === OPEN;
  }

  private open(): void {
    this.isOpen = true;
    this.listeners.opened();
    this.pump();
  }

  private receive(data: unknown): void {
    this.expectNothing();
    if (this.drain !== undefined) this.silence = this.abandonIn(BLOCKED_TIMEOUT_MS);
    this.listeners.received(data);
  }

  private send(messages: readonly OutgoingMessage[]): void {
    for (const message of messages) {
      if (!this.takesMessages) return; // whoever was told of a gap may have closed it
      const isAudio = message instanceof Float32Array;
      // Samples are little endian, as the relay wants them, wherever browsers run.
      this.socket.send(isAudio ? message : JSON.stringify(message));
      if (isAudio) this.silence ??= this.abandonIn(SILENCE_TIMEOUT_MS);
    }
  }

  private waitForDrain(): void {
    this.expectNothing();
    this.silence = this.abandonIn(BLOCKED_TIMEOUT_MS);
    this.drain = setInterval(() => this.drained(), DRAIN_INTERVAL_MS);
  }

  private drained(): void {
    if (this.socket.bufferedAmount > HIGH_WATER_BYTES) return;
    clearInterval(this.drain);
    this.drain = undefined;
    this.expectNothing();
    this.pump();
  }

  private abandonIn(delayMs: number): ReturnType<typeof setTimeout> {
    return setTimeout(() => {
      this.close(ABANDONED);
      this.listeners.lost(CloseCode.broken);
    }, delayMs);
  }

  private expectNothing(): void {
    clearTimeout(this.silence);
    this.silence = undefined;
  }

  private release(): void {
    this.isOpen = false;
    this.expectNothing();
    clearInterval(this.drain);
    this.drain = undefined;
    this.socket.onopen = this.socket.onmessage = this.socket.onclose = null;
  }
}
