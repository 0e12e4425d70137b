/** What a client says of its session. Positions are frames on the client's own clock. */

import type { Problem } from "./problems";

/**
 * - `idle`: not connected yet
 * - `connecting`: for the first time; what is said is kept
 * - `live`: connected, and everything said so far has gone out
 * - `reconnecting`: the line broke; what is said is kept
 * - `resumed`: connected again, sending what was kept meanwhile
 * - `ended`: for good
 */
export type ClientState = "idle" | "connecting" | "live" | "reconnecting" | "resumed" | "ended";

/** Who ended a segment. */
export type CommitCause = "client" | "vad" | "relay";

export interface Word {
  text: string;
  /** Seconds on the session's timeline; null where the provider gives none. */
  start: number | null;
  end: number | null;
  type: string;
  [field: string]: unknown;
}

/** The final text of a stretch of audio; it never changes. */
export interface Segment {
  /** 0, 1, 2…, without holes or repeats across reconnects. */
  index: number;
  text: string;
  /** Seconds from the first sample to where the segment begins and ends. */
  startSeconds: number;
  endSeconds: number;
  cause: CommitCause;
  /** Null until they come, and where they weren't asked for. */
  words: readonly Word[] | null;
  languageCode: string | null;
}

/** A stretch of audio that no segment covers. */
export interface Gap {
  startSeconds: number;
  endSeconds: number;
  reason: string;
}

/** A line that broke and was mended. */
export interface Break {
  /** Where on the timeline it was mended, in seconds. */
  atSeconds: number;
  /** How long there was no line. */
  lastedMs: number;
  /** What of it is lost; 0 as long as everything fitted into the ring. */
  missingSeconds: number;
}

export interface SessionSummary {
  reason: string;
  audioMs: number;
  segments: number;
  words: number;
}

/** Shown to the relay at a handshake. */
export type Credential = { ticket: string } | null;

export interface CredentialRequest {
  /** 1 at the first connect; rises until one succeeds. */
  attempt: number;
  signal: AbortSignal;
}

/** Called for every session that begins, since a ticket is good for one; to resume needs none. */
export type CredentialProvider = (request: CredentialRequest) => Credential | Promise<Credential>;

/** How long things take, in milliseconds; null until measured. */
export interface Latency {
  /** From a sample said to the relay's word that it has it. */
  lineMs: number | null;
  /** From the last sample of a segment to its final text, the median of the last five. */
  finalMs: number | null;
}

/** Name → what listeners get. */
export interface ClientEvents {
  state: ClientState;
  started: {
    sessionId: string;
    config: Readonly<Record<string, unknown>>;
    minutesLeft: number | null;
    maxSessionSeconds: number | null;
    /** The relay keeps the audio as well, not only what was said. */
    isRecorded: boolean;
  };
  /** The open segment so far; replaces the previous one. Empty after a segment. */
  partial: string;
  segment: Segment;
  /** The same segment again, now with words or language. */
  segmentTimed: Segment;
  gap: Gap;
  /** Waiting for one of the provider's places. */
  queued: { position: number; estimatedWaitMs: number | null };
  /** Whether the relay has lost the provider for now; what is said is kept there. */
  providerAway: boolean;
  warning: { code: string; text: string };
  /** Something went wrong. `problem.isFinal` tells whether the session is over by it. */
  problem: Problem;
  reconnecting: { attempt: number; delayMs: number; problem: Problem };
  resumed: Break;
  ended: SessionSummary | null;
}
