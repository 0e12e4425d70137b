/** What the relay answers operators: docs/reference/openapi.yaml. Moments are seconds since 1970. */

export type SessionState = "queued" | "opening" | "open" | "parked" | "ending";

export interface Session {
  session_id: string;
  worker: string;
  kind: "user" | "kiosk" | "key";
  name: string;
  address: string | null;
  started_at: number;
  state: SessionState;
  language_code: string | null;
  received_ms: number;
  segments: number;
  warnings: string[];
  /** A `Mark` for each ten seconds of the last ten minutes, the oldest first. */
  recent: string;
  added_latency_ms: number | null;
  speech_to_final_ms: number | null;
  reconnects: number;
  gap_ms: number;
  /** How often analysers flagged what was said; null while the relay cannot tell. */
  flags?: number | null;
}

export interface Entry {
  at: number;
  kind: EntryKind;
  code?: string;
  seconds?: number;
}

export type EntryKind =
  | "began"
  | "opened"
  | "failed"
  | "replayed"
  | "rolled_over"
  | "rested"
  | "gap"
  | "warned"
  | "left"
  | "resumed"
  | "moves"
  | "commit"
  | "lag";

export interface Worker {
  worker: string;
  version: string;
  started_at: number;
  duty: "serving" | "draining" | "leaving";
  sessions: number;
  sessions_limit: number;
}

export interface Overview {
  at: number;
  health: Record<string, string | null>;
  workers: Worker[] | null;
  slots: { limit: number; taken: number; waiting: number } | null;
}

export interface Point {
  at: number;
  sessions: Record<SessionState, number>;
  sessions_limit: number;
  received: number;
  sent: number;
  added_p50_ms: number | null;
  added_p99_ms: number | null;
  final_p50_ms: number | null;
  final_p95_ms: number | null;
  upstream_errors: number;
  reconnects: number;
  limits_hit: number;
  auth_failures: number;
  audio_warnings: number;
  gap_seconds: number;
}

export interface History {
  span_seconds: number;
  points: Point[];
}

export interface WaitingKiosk {
  code: string;
  address: string;
  expires_at: string;
}
