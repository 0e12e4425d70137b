/** What can go wrong, by what a person can do about it. Texts stand in `texts/`. */

export type ProblemKind =
  // The microphone.
  | "insecure_origin"
  | "microphone_denied"
  | "no_microphone"
  | "microphone_busy"
  | "blocked_by_policy"
  | "microphone_lost"
  | "silent_microphone"
  | "audio_blocked"
  | "unsupported_browser"
  // The relay.
  | "not_signed_in"
  | "not_allowed"
  | "limit_reached"
  | "relay_away"
  | "relay_fault"
  | "provider_away"
  | "provider_refused"
  | "taken_over"
  | "invalid_request";

export interface Problem {
  kind: ProblemKind;
  /** Whether the session is over by it; else it goes on, or is tried again. */
  isFinal: boolean;
  /** The relay's or browser's own words, for a detail line; never branch on it. */
  detail: string | null;
  /** The relay's type of the error, if it named one: `quota_exceeded`, … */
  errorType: string | null;
  /** When trying again makes sense. */
  retryAfterMs: number | null;
}

/** Build a problem; what isn't given is null, and the problem is final. */
export function problem(kind: ProblemKind, fields: Partial<Omit<Problem, "kind">> = {}): Problem {
  return { kind, isFinal: true, detail: null, errorType: null, retryAfterMs: null, ...fields };
}
