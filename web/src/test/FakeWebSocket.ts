/** A WebSocket without a network: the test plays the other side. */

import type { SocketLike } from "../client/Line";

type Received = Record<string, unknown> & { message_type: string };

const WebSocketState = { open: 1, closing: 2, closed: 3 } as const;

export class FakeWebSocket implements SocketLike {
  onopen: ((event: Event) => void) | null = null;
  onmessage: ((event: MessageEvent) => void) | null = null;
  onclose: ((event: CloseEvent) => void) | null = null;
  /** Raise it to play a slow network. */
  bufferedAmount = 0;
  readonly url: string;
  readonly protocols: readonly string[];
  /** Samples and texts, in the order in which they were sent. */
  readonly sent: (string | Float32Array)[] = [];
  /** What `close` was called with; null as long as it wasn't. */
  closedWith: { code: number | undefined } | null = null;
  /** A close frame has come; the event that says so comes a moment later. */
  isClosing = false;
  private isOpen = false;

  constructor(url: string, protocols: readonly string[] = []) {
    this.url = url;
    this.protocols = protocols;
  }

  get readyState(): number {
    if (this.isClosing) return WebSocketState.closing;
    return this.isOpen ? WebSocketState.open : WebSocketState.closed;
  }

  /** As browsers do it: sending too early is a fault of the caller's. */
  send(message: string | Float32Array): void {
    if (!this.isOpen) throw new DOMException("not open", "InvalidStateError");
    this.sent.push(typeof message === "string" ? message : message.slice());
  }

  /** The fake's other side says nothing to it: play `drop` where it should. */
  close(code?: number): void {
    if (code !== undefined && code !== 1000 && (code < 3000 || code > 4999)) {
      throw new DOMException("not a code of an application", "InvalidAccessError");
    }
    this.isOpen = false;
    this.closedWith ??= { code };
  }

  /** Finish the handshake. */
  open(): void {
    this.isOpen = true;
    this.onopen?.(new Event("open"));
  }

  /** Let the relay say something. */
  receive(message: Received | string): void {
    const data = typeof message === "string" ? message : JSON.stringify(message);
    this.onmessage?.(new MessageEvent("message", { data }));
  }

  /** Let the connection end: by a close frame, or by breaking. */
  drop(code = 1006): void {
    this.isOpen = false;
    // Not every environment of tests has a CloseEvent.
    this.onclose?.(Object.assign(new Event("close"), { code }) as CloseEvent);
  }

  /** Samples sent so far, in one piece. */
  get samples(): number[] {
    return this.sent.flatMap((message) => (typeof message === "string" ? [] : [...message]));
  }

  /** Texts sent so far. */
  get texts(): Received[] {
    return this.sent
      .filter((message) => typeof message === "string")
      .map((text) => JSON.parse(text) as Received);
  }

  get query(): URLSearchParams {
    return new URL(this.url).searchParams;
  }
}

/** Collects the sockets that a client opens; hand it `create`. */
export class FakeWebSockets {
  readonly all: FakeWebSocket[] = [];

  readonly create = (url: string, protocols: string[]): FakeWebSocket => {
    const socket = new FakeWebSocket(url, protocols);
    this.all.push(socket);
    return socket;
  };

  get last(): FakeWebSocket {
    const socket = this.all.at(-1);
    if (socket === undefined) throw new Error("no socket was opened");
    return socket;
  }
}
