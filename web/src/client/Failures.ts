/** Counts what a reconnect policy wants to know, and asks it. */

import { CloseCode } from "./protocol";
import type { ReconnectPolicy } from "./ReconnectPolicy";
import type { Loss } from "./relayProblem";

/**
 * A session counts as good when it has lasted this long, or has brought a final. One that is
 * admitted and fails at once, again and again, must not be tried as if each were the first.
 */
const GOOD_AFTER_MS = 30_000;

/** Failures since the last good session. */
export class Failures {
  private count = 0;
  private refusals = 0;
  private since = 0;
  private hasConnected = false;
  private session: { beganAt: number; covered: number } | null = null;

  private readonly policy: ReconnectPolicy;
  private readonly random: () => number;
  private readonly canRenewCredential: boolean;

  constructor(policy: ReconnectPolicy, random: () => number, canRenewCredential: boolean) {
    this.policy = policy;
    this.random = random;
    this.canRenewCredential = canRenewCredential;
  }

  /** Since the last good session. */
  get failed(): number {
    return this.count;
  }

  /** A session began at `nowMs`; `covered` is any measure of what has its final. */
  admitted(nowMs: number, covered: number): void {
    this.hasConnected = true;
    this.refusals = 0;
    this.session = { beganAt: nowMs, covered };
  }

  /**
   * A connection ended or didn't come about; `covered` is as for `admitted`.
   *
   * @returns The delay in ms until the next attempt, or null to give up.
   */
  add(loss: Loss, nowMs: number, covered: number): number | null {
    if (this.wasGood(nowMs, covered)) this.count = 0;
    this.session = null;
    if (this.count === 0) this.since = nowMs;
    this.count += 1;
    this.refusals = loss.closeCode === CloseCode.notSignedIn ? this.refusals + 1 : 0;
    return this.ask(loss, nowMs - this.since);
  }

  private ask({ closeCode, errorType, retryAfterMs }: Loss, elapsedMs: number): number | null {
    const { count: attempt, hasConnected, refusals, canRenewCredential } = this;
    return this.policy({
      ...{ attempt, elapsedMs, closeCode, errorType, retryAfterMs },
      ...{ hasConnected, refusals, canRenewCredential, random: this.random() },
    });
  }

  private wasGood(nowMs: number, covered: number): boolean {
    if (this.session === null) return false;
    return nowMs - this.session.beganAt >= GOOD_AFTER_MS || covered > this.session.covered;
  }
}
