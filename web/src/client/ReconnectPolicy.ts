/** When to connect again, as pure functions. */

import { CloseCode } from "./protocol";

export interface ReconnectContext {
  /** 1 after the first failure; rises until a session has lasted or brought a final. */
  attempt: number;
  /** Since the first of these failures. */
  elapsedMs: number;
  /** Null where there was no connection to close: the credential failed. */
  closeCode: number | null;
  /** The relay's type of the error; `credential` where the provider of credentials failed. */
  errorType: string | null;
  /** What the relay asks for. */
  retryAfterMs: number | null;
  /** Whether a session ever began. */
  hasConnected: boolean;
  /** How often in a row the relay refused the credential, this time included. */
  refusals: number;
  /** Whether another credential can be asked for. */
  canRenewCredential: boolean;
  /** In [0, 1). */
  random: number;
}

/** The delay in ms until the next attempt, or null to end the session. */
export type ReconnectPolicy = (context: ReconnectContext) => number | null;

/** The first attempt comes within this: most breaks are over at once. */
const FIRST_DELAY_MS = 250;

/** Somebody is looking at the page: waiting longer would seem to be no trying at all. */
const MAX_DELAY_MS = 15_000;

/** Nobody may be looking at a kiosk, and what is refused won't change by the second. */
const PATIENT_DELAY_MS = 60_000;

/** A session that was limited by its length goes on in the next one. */
const TIME_LIMIT = "session_time_limit_exceeded";

const QUOTA = "quota_exceeded";

/**
 * For somebody who speaks: goes on for as long as it may help, since what is said is kept and the
 * user sees the state and can stop. Rules are the close codes of docs/reference/protocol.md.
 */
export const defaultReconnectPolicy: ReconnectPolicy = (context) => {
  switch (context.closeCode) {
    case CloseCode.ended:
    case CloseCode.tooBigForServer:
    case CloseCode.invalid:
    case CloseCode.notAllowed:
    case CloseCode.takenOver:
    case CloseCode.tooBig:
    case CloseCode.providerRefused:
      return null;
    case CloseCode.notSignedIn:
      return context.canRenewCredential && context.refusals === 1 ? 0 : null;
    case CloseCode.limited:
      return afterLimit(context);
    case CloseCode.idle:
      return atOnce(context);
    default:
      return backOff(context);
  }
};

/**
 * For kiosks: ends only where the page is at fault or has to ask who it is. What the default gives
 * up on is tried again about once a minute.
 */
export const persistentReconnectPolicy: ReconnectPolicy = (context) => {
  const delayMs = defaultReconnectPolicy(context);
  if (delayMs !== null) return Math.min(delayMs, PATIENT_DELAY_MS);
  return endsEvenKiosks(context.closeCode) ? null : PATIENT_DELAY_MS * (1 + context.random / 4);
};

function endsEvenKiosks(closeCode: number | null): boolean {
  switch (closeCode) {
    case CloseCode.invalid:
    case CloseCode.tooBig:
    case CloseCode.tooBigForServer:
    case CloseCode.notSignedIn:
    case CloseCode.notAllowed:
      return true;
    default:
      return false;
  }
}

function afterLimit(context: ReconnectContext): number | null {
  if (context.errorType === QUOTA) return null;
  return context.errorType === TIME_LIMIT ? atOnce(context) : backOff(context);
}

/** The session is over as it should be; only one that is over before it began makes us wait. */
function atOnce(context: ReconnectContext): number {
  return context.attempt === 1 ? 0 : backOff(context);
}

/** Full jitter, so that the clients of a relay that restarts don't all come at once. */
function backOff({ attempt, retryAfterMs, random }: ReconnectContext): number {
  const ceilingMs = Math.min(MAX_DELAY_MS, FIRST_DELAY_MS * 2 ** (attempt - 1));
  return (retryAfterMs ?? 0) + random * ceilingMs;
}
