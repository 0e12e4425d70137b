/** What the relay might answer, for tests. */

import type { Point, Session } from "./types";

export function session(id: string, fields: Partial<Session> = {}): Session {
  return {
    session_id: id,
    worker: "relay-1:7",
    kind: "user",
    name: "anna",
    address: "10.1.2.17",
    started_at: 1_764_000_000,
    state: "open",
    language_code: null,
    received_ms: 0,
    segments: 0,
    warnings: [],
    recent: "oo",
    added_latency_ms: null,
    speech_to_final_ms: null,
    reconnects: 0,
    gap_ms: 0,
    ...fields,
  };
}

export function point(at: number, fields: Partial<Point> = {}): Point {
  return {
    at,
    sessions: { queued: 0, opening: 0, open: 0, parked: 0, ending: 0 },
    sessions_limit: 400,
    received: 0,
    sent: 0,
    added_p50_ms: null,
    added_p99_ms: null,
    final_p50_ms: null,
    final_p95_ms: null,
    upstream_errors: 0,
    reconnects: 0,
    limits_hit: 0,
    auth_failures: 0,
    audio_warnings: 0,
    gap_seconds: 0,
    ...fields,
  };
}
