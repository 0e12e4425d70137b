/** A client of the relay that loses no word: the I/O around `Conversation`. */

import type { MarkerKind } from "./AudioRing";
import { Connection } from "./Connection";
import { Conversation, type OutgoingMessage } from "./Conversation";
import { buildEndpoint } from "./endpoint";
import { Failures } from "./Failures";
import { ABANDONED, type SocketLike } from "./Line";
import { onlineAgain } from "./onlineAgain";
import { problem, type Problem } from "./problems";
import { CloseCode, type ServerMessage } from "./protocol";
import { defaultReconnectPolicy } from "./ReconnectPolicy";
import { checkedRate, queryParameters, type RelayClientOptions } from "./RelayClientOptions";
import { isRefusal, relayProblem, type Loss } from "./relayProblem";
import { Timers } from "./Timers";
import { TypedEmitter } from "./TypedEmitter";
import type { ClientEvents, ClientState, Credential, Latency, SessionSummary } from "./types";

export type { RelayClientOptions } from "./RelayClientOptions";

/** For the last words, beside the time that a backlog takes; the relay gives itself 10 s of it. */
const STOP_TIMEOUT_MS = 20_000;

const DEFAULT_RING_SECONDS = 300;

/** How a conversation ends. */
interface Ending {
  summary: SessionSummary | null;
  problem: Problem | null;
  /** Why what has no final gets none any more; null where nobody wants to know. */
  lostBy: string | null;
}

/**
 * Sends audio, tells what was said. Give it samples from the first moment on, whatever the line
 * does: they are kept, sent in order, and sent again where a connection broke before their final
 * came. Events stay on one timeline, with segments 0, 1, 2…
 */
export class RelayClient extends TypedEmitter<ClientEvents> {
  private readonly options: RelayClientOptions;
  private readonly now: () => number;
  private readonly conversation: Conversation;
  private readonly failures: Failures;
  private readonly timers = new Timers<"retry" | "stop" | "move">();
  private current: ClientState = "idle";
  private rate: number;
  private connection: Connection | null = null;
  private isResuming = false;
  /** The relay ended the session for want of audio: the next sample begins another. */
  private isDormant = false;
  /** Since when there is no line, and what was lost until then; null before the first session. */
  private broke: { atMs: number; lostSeconds: number } | null = null;
  private endReason: string | null = null;
  private trouble: Problem | null = null;
  private summary: SessionSummary | null = null;
  private stopping: Promise<SessionSummary | null> | null = null;
  private stopHurrying: () => void = () => undefined;
  private hasSaidAll = false;
  private stopped: (summary: SessionSummary | null) => void = () => undefined;

  /** @throws RangeError if the rate is none that the relay takes. */
  constructor(options: RelayClientOptions) {
    super();
    this.options = options;
    this.now = options.now ?? (() => performance.now());
    this.rate = checkedRate(options.sampleRate);
    const ringSeconds = options.ringSeconds ?? DEFAULT_RING_SECONDS;
    this.conversation = new Conversation(options.sampleRate, ringSeconds);
    this.failures = new Failures(
      options.reconnect ?? defaultReconnectPolicy,
      options.random ?? Math.random,
      options.credential !== undefined,
    );
    options.signal?.addEventListener("abort", this.close);
    if (options.signal?.aborted === true) this.close();
  }

  get state(): ClientState {
    return this.current;
  }

  /** Measured while `live` only: a break would say nothing of the line. */
  get latency(): Latency {
    return this.conversation.latency;
  }

  /** Everything given to `send`, in seconds. */
  get capturedSeconds(): number {
    return this.conversation.capturedSeconds;
  }

  /** Kept and not yet sent, in seconds. */
  get backlogSeconds(): number {
    return this.conversation.backlogSeconds;
  }

  /** Begin; once. What was said before goes out first. */
  connect(): void {
    if (this.current !== "idle") return;
    this.move("connecting");
    this.stopHurrying = onlineAgain(() => this.hurry());
    this.connectAgain();
  }

  /**
   * Say samples, full scale ±1; at any time before `stop`. The array is kept: don't write to it.
   *
   * @param sampleRate In Hz; as before if not given.
   * @throws RangeError if the rate is none that the relay takes.
   */
  send(samples: Float32Array, sampleRate = this.rate): void {
    if (!this.isListening) return;
    this.rate = checkedRate(sampleRate);
    // Shared memory can't be sent, and whoever owns it goes on writing to it.
    const kept = samples.buffer instanceof ArrayBuffer ? samples : new Float32Array(samples);
    this.conversation.hear(kept, sampleRate, this.now());
    if (this.isDormant) this.wake();
    this.connection?.pump();
  }

  /** End the segment behind what was said so far. */
  commit(): void {
    this.mark("commit");
  }

  /** End the segment; no audio will come for a while. */
  mute(): void {
    this.mark("mute");
  }

  unmute(): void {
    this.mark("unmute");
  }

  /**
   * Finish: everything that was said goes out and gets its final, then the session ends. Where the
   * line breaks meanwhile, it is mended first.
   *
   * @returns What the session was; null if the last words didn't come in time, or if it ended
   *   otherwise.
   */
  stop(): Promise<SessionSummary | null> {
    if (this.current === "ended") return Promise.resolve(this.summary);
    if (this.stopping !== null) return this.stopping;
    this.stopping = new Promise((resolve) => (this.stopped = resolve));
    const { stopping } = this;
    this.beginStop();
    return stopping;
  }

  /** End at once, without waiting for the last words. */
  readonly close = (): void => {
    this.finish({ summary: null, problem: null, lostBy: null });
  };

  private get isListening(): boolean {
    return this.current !== "ended" && this.stopping === null;
  }

  private mark(kind: MarkerKind): void {
    if (!this.isListening) return;
    this.conversation.mark(kind);
    this.connection?.pump();
  }

  // Connecting.

  private connectAgain(): void {
    this.timers.clear("retry");
    this.endReason = null;
    const connection = new Connection({
      dial: (credential) => this.dial(credential),
      takeMessages: () => this.takeMessages(),
      received: (message) => this.receive(message),
      warned: (text) => this.emit("warning", { code: "input_error", text }),
      lost: (loss) => this.lost(loss, connection.isAdmitted),
      failed: (reason) => this.fail(reason),
    });
    this.connection = connection;
    // A resume token admits alone; with a ticket beside it the relay refuses both.
    const provider = this.conversation.isResumable ? undefined : this.options.credential;
    connection.begin(provider, this.failures.failed + 1);
  }

  private dial(credential: Credential): SocketLike {
    const { options } = this;
    const plan = this.conversation.plan();
    this.isResuming = plan.resume !== null;
    const parameters = queryParameters(options);
    const request = { ...plan, url: options.url, parameters, credential };
    const { url, protocols } = buildEndpoint(request);
    // Browsers send nothing that lies in shared memory; `send` sees to it that nothing does.
    return options.createSocket?.(url, protocols) ?? (new WebSocket(url, protocols) as SocketLike);
  }

  private takeMessages(): OutgoingMessage[] {
    const messages = this.conversation.takeMessages();
    this.tellEvents();
    return messages;
  }

  // What the relay says.

  private receive(message: ServerMessage): void {
    this.conversation.receive(message, this.now(), this.current === "live");
    this.tellEvents();
    this.obey(message);
    this.tellBreak();
    if (this.current === "resumed" && this.conversation.isCaughtUp) this.move("live");
    this.connection?.pump();
  }

  private obey(message: ServerMessage): void {
    switch (message.message_type) {
      case "session_started":
      case "session_resumed":
        this.admit();
        break;
      case "queued":
        // The last words wait for a place like everything else.
        if (this.stopping !== null) this.expectLastWords();
        break;
      case "moving":
        this.timers.set("move", message.after_ms, () => this.moveOn());
        break;
      case "session_ended":
        this.endSession(message.reason);
        break;
    }
  }

  private admit(): void {
    if (this.current === "ended") return;
    const { broke, conversation } = this;
    this.trouble = null;
    this.failures.admitted(this.now(), conversation.coveredSeconds);
    this.move(broke === null ? "live" : "resumed");
  }

  /** Tell of a break that is over, once it is known what it cost. */
  private tellBreak(): void {
    const { broke, conversation } = this;
    const isOver = this.connection?.isAdmitted === true && conversation.isLossKnown;
    if (broke === null || !isOver) return;
    this.broke = null;
    this.emit("resumed", {
      atSeconds: conversation.capturedSeconds,
      lastedMs: this.now() - broke.atMs,
      missingSeconds: millisecondsSince(broke.lostSeconds, conversation.lostSeconds),
    });
  }

  private endSession(reason: string): void {
    this.endReason = reason;
    if (reason !== "stopped") return; // the close code tells how to go on
    this.conversation.settle();
    this.finishWith(reason);
  }

  // Lines that break.

  private lost(loss: Loss, wasAdmitted: boolean): void {
    const isOver = (wasAdmitted && loss.errorType !== null) || this.endReason !== null;
    const isRefusedResume = this.isResuming && !wasAdmitted && isRefusal(loss);
    if (isOver || isRefusedResume) this.conversation.forgetSession();
    this.hangUp(ABANDONED);
    if (this.stopping !== null && this.conversation.uncoveredSeconds === 0) {
      this.finishWith("stopped");
    } else if (isRefusedResume) this.connectAgain();
    else this.decide(loss);
  }

  /** Nothing of the connection is left; what has no final will be sent again. */
  private hangUp(code: number): void {
    const { connection, conversation } = this;
    this.connection = null;
    this.timers.clear("move");
    connection?.close(code);
    conversation.lineBroke();
    if (connection?.isAdmitted === true) {
      this.broke ??= { atMs: this.now(), lostSeconds: conversation.lostSeconds };
    }
  }

  private decide(loss: Loss): void {
    const { conversation } = this;
    const delayMs = this.failures.add(loss, this.now(), conversation.coveredSeconds);
    if (delayMs === null) this.endBy(loss);
    else if (loss.closeCode === CloseCode.idle && conversation.uncoveredSeconds === 0) {
      this.isDormant = true;
    } else this.retry(loss, delayMs);
  }

  private endBy(loss: Loss): void {
    if (loss.closeCode === CloseCode.ended && this.endReason !== null) {
      this.finishWith(this.endReason);
    } else this.fail(relayProblem(loss, true));
  }

  private retry(loss: Loss, delayMs: number): void {
    const trouble = relayProblem(loss, false);
    this.trouble = trouble;
    this.timers.set("retry", delayMs, () => this.connectAgain());
    if (this.broke !== null) this.move("reconnecting");
    if (trouble.kind === "limit_reached" && delayMs > 0) this.emit("problem", trouble);
    this.emit("reconnecting", { attempt: this.failures.failed, delayMs, problem: trouble });
  }

  /** Wait no longer: there is a network again, or somebody waits for the last words. */
  private hurry(): void {
    if (this.timers.has("retry")) this.connectAgain();
  }

  private wake(): void {
    this.isDormant = false;
    if (this.broke !== null) this.broke.atMs = this.now(); // nobody missed the line until now
    this.move("reconnecting");
    this.connectAgain();
  }

  /** Take the session to where the relay hands it over. */
  private moveOn(): void {
    this.hangUp(ABANDONED);
    this.move("reconnecting");
    this.connectAgain();
  }

  // The end.

  private beginStop(): void {
    const { conversation } = this;
    conversation.mark("stop");
    const hasNothingToSay =
      this.connection?.isAdmitted !== true && conversation.uncoveredSeconds === 0;
    if (this.current === "idle" || hasNothingToSay) {
      this.finishWith("stopped");
      return;
    }
    this.expectLastWords();
    this.hurry();
    this.connection?.pump();
  }

  private expectLastWords(): void {
    const delayMs = STOP_TIMEOUT_MS + this.conversation.uncoveredSeconds * 1000;
    this.timers.set("stop", delayMs, () => {
      const late = problem("relay_away", { detail: "The last words did not come in time." });
      this.fail(this.trouble === null ? late : { ...this.trouble, isFinal: true });
    });
  }

  private fail(reason: Problem): void {
    this.finish({ summary: null, problem: reason, lostBy: reason.errorType ?? reason.kind });
  }

  private finishWith(reason: string): void {
    const audioMs = Math.round(this.capturedSeconds * 1000);
    const summary = { reason, audioMs, ...this.conversation.counts };
    this.finish({ summary, problem: null, lostBy: reason });
  }

  /** The only way out. */
  private finish({ summary, problem: reason, lostBy }: Ending): void {
    if (this.current === "ended") return;
    this.current = "ended"; // first, since a listener may close again
    this.summary = summary;
    this.release();
    if (lostBy !== null) this.conversation.giveUp(lostBy);
    this.tellEvents();
    if (reason !== null) this.emit("problem", reason);
    this.emit("state", "ended");
    this.emit("ended", summary);
    this.hasSaidAll = true;
    this.stopped(summary);
  }

  private release(): void {
    this.hangUp(CloseCode.ended);
    this.timers.clearAll();
    this.options.signal?.removeEventListener("abort", this.close);
    this.stopHurrying();
  }

  /** Where a listener ended the session, what else was to be told isn't. */
  protected override emit<Name extends keyof ClientEvents>(
    name: Name,
    value: ClientEvents[Name],
  ): void {
    if (!this.hasSaidAll) super.emit(name, value);
  }

  private move(state: ClientState): void {
    if (this.current === state || this.current === "ended") return;
    this.current = state;
    this.emit("state", state);
  }

  private tellEvents(): void {
    for (const { name, value } of this.conversation.takeEvents()) this.emit(name, value);
  }
}

/** Sums of seconds differ by less than that where they are the same. */
function millisecondsSince(before: number, now: number): number {
  return Math.max(0, Math.round((now - before) * 1000) / 1000);
}
