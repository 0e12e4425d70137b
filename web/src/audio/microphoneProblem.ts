/** From what browsers say to what a person can do about it. */

import { type Problem, problem, type ProblemKind } from "../client/problems";

/** What a microphone needs of a page. */
export interface Support {
  isSecureContext: boolean;
  hasMediaDevices: boolean;
  hasAudioWorklet: boolean;
}

/** What else is known when the microphone was refused; null where the browser doesn't say. */
export interface Refusal {
  /** Whether the page's permissions policy lets it ask for a microphone. */
  isAllowedByPolicy: boolean | null;
  /** Of the Permissions API, after the refusal. */
  permission: PermissionState | null;
}

/** Names of `getUserMedia`'s exceptions: https://www.w3.org/TR/mediacapture-streams/#dom-mediadevices-getusermedia */
const KINDS: Readonly<Record<string, ProblemKind>> = {
  NotAllowedError: "microphone_denied",
  SecurityError: "blocked_by_policy",
  NotFoundError: "no_microphone",
  OverconstrainedError: "no_microphone",
  NotReadableError: "microphone_busy",
  AbortError: "microphone_busy",
};

const POLICY_TEXT = /(permissions?|feature)[ -]policy/i;
const DISMISSED_TEXT = /dismissed/i;

/** What the browser lacks, or null. An insecure origin comes first: it hides the rest. */
export function missingSupport(support: Support): Problem | null {
  if (!support.isSecureContext) return problem("insecure_origin");
  if (!support.hasMediaDevices) return unsupported("navigator.mediaDevices is missing");
  if (!support.hasAudioWorklet) return unsupported("AudioWorklet is missing");
  return null;
}

/**
 * Why `getUserMedia` rejected.
 *
 * `retryAfterMs` is 0 where asking again shows the question again: the person has dismissed it, or
 * refused only this once. Null where the browser or the system remembers the refusal.
 */
export function captureProblem(error: unknown, refusal: Refusal): Problem {
  const name = error instanceof Error ? error.name : "";
  const text = error instanceof Error ? error.message : String(error);
  const detail = text === "" ? name : text;
  if (name === "NotAllowedError") return refused(detail, refusal);
  return problem(KINDS[name] ?? "unsupported_browser", { detail });
}

/**
 * Why the worklet couldn't be loaded: nobody answers, it isn't served there, or the page's CSP
 * refuses it. Browsers say the same of all three.
 */
export function workletProblem(error: unknown, url: string, isReachable: boolean): Problem {
  const text = error instanceof Error ? error.message : String(error);
  const detail = `${url} could not be loaded: ${text}`;
  return isReachable ? unsupported(detail) : problem("relay_away", { detail });
}

function refused(detail: string, { isAllowedByPolicy, permission }: Refusal): Problem {
  if (isAllowedByPolicy === false || POLICY_TEXT.test(detail)) {
    return problem("blocked_by_policy", { detail });
  }
  // "granted" with a refusal is the operating system's: asking again doesn't help.
  const asksAgain = permission === null ? DISMISSED_TEXT.test(detail) : permission === "prompt";
  return problem("microphone_denied", { detail, retryAfterMs: asksAgain ? 0 : null });
}

function unsupported(detail: string): Problem {
  return problem("unsupported_browser", { detail });
}
