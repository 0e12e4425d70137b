/** One connection, from the credential to the close frame. */

import type { OutgoingMessage } from "./Conversation";
import { ABANDONED, Line, type SocketLike } from "./Line";
import { parseServerMessage } from "./parseServerMessage";
import { problem, type Problem } from "./problems";
import { CloseCode, isFailure, type Failure, type ServerMessage } from "./protocol";
import { RelayClientError } from "./RelayClientError";
import { BROKEN, type Loss } from "./relayProblem";
import type { Credential, CredentialProvider } from "./types";

/** For each step: the credential, the open socket, the session. */
const STEP_TIMEOUT_MS = 10_000;

export interface ConnectionListeners {
  /** Open a socket with this credential. */
  dial(credential: Credential): SocketLike;
  /** Asked for what goes out next, together; nothing for now if it is empty. */
  takeMessages(): OutgoingMessage[];
  received(message: ServerMessage): void;
  /** One message of ours was no good, and the session goes on. */
  warned(text: string): void;
  /** It ended by itself, or didn't come about. */
  lost(loss: Loss): void;
  /** It didn't come about, and never will. */
  failed(reason: Problem): void;
}

/** After `lost` or `failed`, or after `close`, it says nothing any more. */
export class Connection {
  private readonly listeners: ConnectionListeners;
  private readonly abort = new AbortController();
  private step: ReturnType<typeof setTimeout> | undefined;
  private line: Line | null = null;
  private hasSession = false;
  private failure: Failure | null = null;

  constructor(listeners: ConnectionListeners) {
    this.listeners = listeners;
  }

  /** Whether the relay has said that the session is there. */
  get isAdmitted(): boolean {
    return this.hasSession;
  }

  /** Connect; `attempt` counts from 1 until one succeeds. */
  begin(provider: CredentialProvider | undefined, attempt: number): void {
    this.expectStep();
    if (provider === undefined) this.dial(null);
    else void this.show(provider, attempt);
  }

  /** Send what there is. */
  pump(): void {
    this.line?.pump();
  }

  close(code: number): void {
    this.release();
    this.line?.close(code);
  }

  private async show(provider: CredentialProvider, attempt: number): Promise<void> {
    const { signal } = this.abort;
    let credential: Credential;
    try {
      credential = await provider({ attempt, signal });
    } catch (error) {
      if (!signal.aborted) this.refuse(error);
      return;
    }
    if (!signal.aborted) this.dial(credential);
  }

  private refuse(error: unknown): void {
    if (error instanceof RelayClientError) this.fail({ ...error.problem, isFinal: true });
    else this.lose({ ...BROKEN, closeCode: null, errorType: "credential", detail: String(error) });
  }

  private dial(credential: Credential): void {
    this.expectStep();
    try {
      this.line = new Line(this.listeners.dial(credential), {
        takeMessages: () => this.listeners.takeMessages(),
        opened: () => this.expectStep(),
        received: (text) => this.receive(text),
        lost: (code) => this.lose(this.lossBy(code)),
      });
    } catch (error) {
      // Browsers refuse addresses and tickets that can't be right, and will the next time too.
      this.fail(problem("invalid_request", { detail: String(error) }));
    }
  }

  private receive(text: unknown): void {
    const message = parseServerMessage(text);
    if (message === null) return;
    if (isFailure(message)) {
      this.note(message);
      return;
    }
    if (message.message_type === "session_started" || message.message_type === "session_resumed") {
      clearTimeout(this.step);
      this.hasSession = true;
    }
    this.listeners.received(message);
  }

  /** What ends a session is said before the close. */
  private note(failure: Failure): void {
    const isOfOneMessage = failure.message_type === "input_error";
    if (!isOfOneMessage || this.failure === null) this.failure = failure;
    if (isOfOneMessage) this.listeners.warned(failure.error);
  }

  private lossBy(closeCode: number): Loss {
    const { failure } = this;
    const isReason = failure?.message_type !== "input_error" || closeCode === CloseCode.tooBig;
    if (failure === null || !isReason) return { ...BROKEN, closeCode };
    const { message_type: errorType, error: detail, retry_after_ms: retryAfterMs } = failure;
    return { closeCode, errorType, detail, retryAfterMs };
  }

  private expectStep(): void {
    clearTimeout(this.step);
    this.step = setTimeout(() => this.lose(BROKEN), STEP_TIMEOUT_MS);
  }

  private lose(loss: Loss): void {
    this.close(ABANDONED);
    this.listeners.lost(loss);
  }

  private fail(reason: Problem): void {
    this.close(ABANDONED);
    this.listeners.failed(reason);
  }

  private release(): void {
    this.abort.abort();
    clearTimeout(this.step);
  }
}
