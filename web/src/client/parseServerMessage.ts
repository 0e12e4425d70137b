/** Reads what the relay sends. What can't be read is ignored, since messages are added over time. */

import type { Failure, ServerMessage } from "./protocol";
import type { CommitCause, Word } from "./types";

type Fields = Readonly<Record<string, unknown>>;
type MessageType = ServerMessage["message_type"];

class Unreadable extends Error {}

/** Null for a message of an unknown type and for one that isn't of the protocol. Never throws. */
export function parseServerMessage(text: unknown): ServerMessage | Failure | null {
  try {
    if (typeof text !== "string") return null;
    return read(fieldsOf(JSON.parse(text) as unknown));
  } catch (error) {
    if (error instanceof Unreadable || error instanceof SyntaxError) return null;
    throw error;
  }
}

function read(fields: Fields): ServerMessage | Failure | null {
  const messageType = text(fields, "message_type");
  if ("error" in fields) return readFailure(messageType, fields);
  return isKnown(messageType) ? readers[messageType](fields) : null;
}

function isKnown(messageType: string): messageType is MessageType {
  return Object.hasOwn(readers, messageType);
}

const readers: {
  [Type in MessageType]: (fields: Fields) => Extract<ServerMessage, { message_type: Type }>;
} = {
  session_started: (fields) => ({
    message_type: "session_started",
    seq: count(fields, "seq"),
    session_id: text(fields, "session_id"),
    resume_token: maybe(text, fields, "resume_token"),
    config: fieldsOf(fields.config),
    limits: readLimits(fields.limits),
    ...(fields.recorded === true ? { recorded: true as const } : {}),
  }),
  session_resumed: (fields) => ({
    message_type: "session_resumed",
    seq: count(fields, "seq"),
    next_sample: count(fields, "next_sample"),
    last_seq: count(fields, "last_seq"),
    resume_token: maybe(text, fields, "resume_token"),
  }),
  queued: (fields) => ({
    message_type: "queued",
    seq: count(fields, "seq"),
    position: count(fields, "position"),
    estimated_wait_ms: maybe(amount, fields, "estimated_wait_ms"),
  }),
  partial_transcript: (fields) => ({
    message_type: "partial_transcript",
    seq: count(fields, "seq"),
    text: text(fields, "text"),
  }),
  committed_transcript: (fields) => ({
    message_type: "committed_transcript",
    ...readCommitted(fields),
  }),
  committed_transcript_with_timestamps: (fields) => ({
    message_type: "committed_transcript_with_timestamps",
    ...readCommitted(fields),
    language_code: maybe(text, fields, "language_code"),
    words: maybe(words, fields, "words"),
  }),
  audio_acknowledged: (fields) => ({
    message_type: "audio_acknowledged",
    seq: count(fields, "seq"),
    samples_received: count(fields, "samples_received"),
    samples_covered: count(fields, "samples_covered"),
  }),
  audio_gap: (fields) => ({
    message_type: "audio_gap",
    seq: count(fields, "seq"),
    from_sample: count(fields, "from_sample"),
    to_sample: count(fields, "to_sample"),
    reason: text(fields, "reason"),
  }),
  warning: (fields) => ({
    message_type: "warning",
    seq: count(fields, "seq"),
    code: text(fields, "code"),
    text: text(fields, "text"),
  }),
  upstream_reconnecting: (fields) => ({
    message_type: "upstream_reconnecting",
    seq: count(fields, "seq"),
    attempt: count(fields, "attempt"),
    retry_in_ms: amount(fields, "retry_in_ms"),
    reason: text(fields, "reason"),
  }),
  upstream_restored: (fields) => ({
    message_type: "upstream_restored",
    seq: count(fields, "seq"),
    replayed_ms: amount(fields, "replayed_ms"),
  }),
  moving: (fields) => ({
    message_type: "moving",
    seq: count(fields, "seq"),
    after_ms: maybe(amount, fields, "after_ms") ?? 0,
  }),
  session_ended: (fields) => ({
    message_type: "session_ended",
    seq: count(fields, "seq"),
    reason: text(fields, "reason"),
    audio_ms: amount(fields, "audio_ms"),
    segments: count(fields, "segments"),
    words: count(fields, "words"),
  }),
};

function readFailure(messageType: string, fields: Fields): Failure {
  return {
    message_type: messageType,
    seq: maybe(count, fields, "seq") ?? 0,
    error: text(fields, "error"),
    retryable: fields.retryable === true,
    retry_after_ms: maybe(amount, fields, "retry_after_ms"),
  };
}

function readCommitted(fields: Fields) {
  return {
    seq: count(fields, "seq"),
    text: text(fields, "text"),
    segment: count(fields, "segment"),
    end_sample: count(fields, "end_sample"),
    cause: cause(fields),
  };
}

function readLimits(value: unknown) {
  const limits = fieldsOf(value);
  return {
    minutes_left: maybe(amount, limits, "minutes_left"),
    max_session_seconds: maybe(amount, limits, "max_session_seconds"),
  };
}

function fieldsOf(value: unknown): Fields {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new Unreadable();
  return value as Fields;
}

function text(fields: Fields, name: string): string {
  const value = fields[name];
  if (typeof value !== "string") throw new Unreadable();
  return value;
}

function amount(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number" || value < 0) throw new Unreadable();
  return value;
}

function count(fields: Fields, name: string): number {
  const value = amount(fields, name);
  if (!Number.isSafeInteger(value)) throw new Unreadable();
  return value;
}

function cause(fields: Fields): CommitCause {
  const value = fields.cause;
  if (value !== "client" && value !== "vad" && value !== "relay") throw new Unreadable();
  return value;
}

/** Words keep fields that this client doesn't know: they are the provider's. */
function words(fields: Fields, name: string): Word[] {
  const value = fields[name];
  if (!Array.isArray(value)) throw new Unreadable();
  return value.map((item: unknown) => {
    const word = fieldsOf(item);
    return {
      ...word,
      text: text(word, "text"),
      type: text(word, "type"),
      start: maybe(seconds, word, "start"),
      end: maybe(seconds, word, "end"),
    };
  });
}

function seconds(fields: Fields, name: string): number {
  const value = fields[name];
  if (typeof value !== "number") throw new Unreadable();
  return value;
}

function maybe<Value>(
  reader: (fields: Fields, name: string) => Value,
  fields: Fields,
  name: string,
): Value | null {
  return fields[name] === undefined || fields[name] === null ? null : reader(fields, name);
}
