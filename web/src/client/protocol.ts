/** The messages of `/v1/stream` both ways, as docs/reference/asyncapi.yaml writes them. */

import type { CommitCause, Word } from "./types";

/** Offered at the handshake, and the only one the relay answers with. */
export const SUBPROTOCOL = "scribe-relay.v1";

/** Longest binary message the relay takes. Source: docs/reference/protocol.md. */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/** Rates the relay takes, in Hz. Source: docs/reference/protocol.md. */
export const MIN_SAMPLE_RATE = 8_000;
export const MAX_SAMPLE_RATE = 192_000;

/** How a connection ends. Source: the table of docs/reference/protocol.md; 1005 is RFC 6455's. */
export const CloseCode = {
  ended: 1000,
  leaving: 1001,
  /** A close frame without a code. */
  noStatus: 1005,
  /** Never sent: the line broke. */
  broken: 1006,
  tooBigForServer: 1009,
  fault: 1011,
  restarting: 1012,
  invalid: 4400,
  notSignedIn: 4401,
  notAllowed: 4403,
  idle: 4408,
  takenOver: 4409,
  tooBig: 4413,
  limited: 4429,
  providerRefused: 4502,
  providerAway: 4503,
} as const;

export type ClientMessage =
  | { message_type: "format"; sample_rate: number }
  | { message_type: "commit" }
  | { message_type: "mute" }
  | { message_type: "unmute" }
  | { message_type: "stop" };

interface Numbered {
  /** Rises within a session; may have gaps. */
  seq: number;
}

export interface SessionStarted extends Numbered {
  message_type: "session_started";
  session_id: string;
  /** Null from relays that resume no sessions. */
  resume_token: string | null;
  config: Readonly<Record<string, unknown>>;
  limits: { minutes_left: number | null; max_session_seconds: number | null };
  /** The session's audio is kept; absent where it isn't. */
  recorded?: true;
}

export interface SessionResumed extends Numbered {
  message_type: "session_resumed";
  /** The first frame the relay doesn't have. */
  next_sample: number;
  last_seq: number;
  /** Null: the former one stays good. */
  resume_token: string | null;
}

export interface Queued extends Numbered {
  message_type: "queued";
  position: number;
  estimated_wait_ms: number | null;
}

export interface PartialTranscript extends Numbered {
  message_type: "partial_transcript";
  text: string;
}

interface Committed extends Numbered {
  text: string;
  segment: number;
  /** All audio before this frame is covered. */
  end_sample: number;
  cause: CommitCause;
}

export interface CommittedTranscript extends Committed {
  message_type: "committed_transcript";
}

export interface TimedTranscript extends Committed {
  message_type: "committed_transcript_with_timestamps";
  language_code: string | null;
  words: readonly Word[] | null;
}

export interface AudioAcknowledged extends Numbered {
  message_type: "audio_acknowledged";
  samples_received: number;
  samples_covered: number;
}

export interface AudioGap extends Numbered {
  message_type: "audio_gap";
  from_sample: number;
  to_sample: number;
  reason: string;
}

export interface Warning extends Numbered {
  message_type: "warning";
  code: string;
  text: string;
}

/** The provider's side broke; audio is kept meanwhile. */
export interface UpstreamReconnecting extends Numbered {
  message_type: "upstream_reconnecting";
  attempt: number;
  retry_in_ms: number;
  reason: string;
}

/** The provider takes audio again. */
export interface UpstreamRestored extends Numbered {
  message_type: "upstream_restored";
  /** Audio that it is sent once more. */
  replayed_ms: number;
}

/** This relay is leaving: connect again after `after_ms`. */
export interface Moving extends Numbered {
  message_type: "moving";
  after_ms: number;
}

export interface SessionEnded extends Numbered {
  message_type: "session_ended";
  reason: string;
  audio_ms: number;
  segments: number;
  words: number;
}

/** An error; its type is the `message_type`, and others than the documented ones may come. */
export interface Failure extends Numbered {
  message_type: string;
  /** For people; never branch on it. */
  error: string;
  retryable: boolean;
  retry_after_ms: number | null;
}

/** Everything but errors. */
export type ServerMessage =
  | SessionStarted
  | SessionResumed
  | Queued
  | PartialTranscript
  | CommittedTranscript
  | TimedTranscript
  | AudioAcknowledged
  | AudioGap
  | Warning
  | UpstreamReconnecting
  | UpstreamRestored
  | Moving
  | SessionEnded;

export function isFailure(message: ServerMessage | Failure): message is Failure {
  return "error" in message;
}
