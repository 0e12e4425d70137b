/** What the end of a connection means to a person. */

import { problem, type Problem, type ProblemKind } from "./problems";
import { CloseCode } from "./protocol";

/** How a connection ended, or why there was none. */
export interface Loss {
  /** Null where there was no connection to close. */
  closeCode: number | null;
  /** Of the relay's last error, if it sent one that ends a session. */
  errorType: string | null;
  detail: string | null;
  retryAfterMs: number | null;
}

/** The line broke, and nobody said why. */
export const BROKEN: Loss = {
  closeCode: CloseCode.broken,
  errorType: null,
  detail: null,
  retryAfterMs: null,
};

/** Close codes that say by themselves what is wrong. */
const BY_CODE: ReadonlyMap<number, ProblemKind> = new Map<number, ProblemKind>([
  [CloseCode.tooBigForServer, "invalid_request"],
  [CloseCode.fault, "relay_fault"],
  [CloseCode.invalid, "invalid_request"],
  [CloseCode.notSignedIn, "not_signed_in"],
  [CloseCode.notAllowed, "not_allowed"],
  [CloseCode.takenOver, "taken_over"],
  [CloseCode.tooBig, "invalid_request"],
  [CloseCode.limited, "limit_reached"],
  [CloseCode.providerRefused, "provider_refused"],
]);

/** Types that say it where the code doesn't: with 4503, and where the close frame was lost. */
const BY_TYPE: ReadonlyMap<string, ProblemKind> = new Map<string, ProblemKind>([
  ["unauthorized", "not_signed_in"],
  ["origin_not_allowed", "not_allowed"],
  ["invalid_request", "invalid_request"],
  ["too_many_sessions", "limit_reached"],
  ["auth_error", "provider_refused"],
  ["unaccepted_terms", "provider_refused"],
  ["internal_error", "relay_fault"],
  ["upstream_unavailable", "provider_away"],
  ["commit_throttled", "provider_away"],
  ["chunk_size_exceeded", "provider_away"],
  ["queue_overflow", "provider_away"],
  ["resource_exhausted", "provider_away"],
  ["transcriber_error", "provider_away"],
  ["error", "provider_away"],
  ["insufficient_audio_activity", "provider_away"],
]);

/** `isFinal`: nobody tries again. */
export function relayProblem(loss: Loss, isFinal: boolean): Problem {
  const { detail, errorType, retryAfterMs } = loss;
  return problem(kindOf(loss), { isFinal, detail, errorType, retryAfterMs });
}

/** Whether the relay refused what was asked of it, or who asked. */
export function isRefusal({ closeCode, errorType }: Loss): boolean {
  return closeCode === CloseCode.notSignedIn || errorType === "invalid_request";
}

function kindOf({ closeCode, errorType }: Loss): ProblemKind {
  const byType = BY_TYPE.get(errorType ?? "");
  if (closeCode === CloseCode.providerAway) {
    // The provider has types of the relay's limits too, but with this code they are its own.
    return byType === "relay_fault" ? byType : "provider_away";
  }
  return BY_CODE.get(closeCode ?? CloseCode.broken) ?? byType ?? "relay_away";
}
