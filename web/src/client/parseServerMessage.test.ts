import fc from "fast-check";
import { expect, test } from "vitest";
import { parseServerMessage } from "./parseServerMessage";
import { isFailure } from "./protocol";

const FINAL = {
  message_type: "committed_transcript",
  seq: 3,
  text: "Hello.",
  segment: 0,
  end_sample: 48_000,
  cause: "vad",
};

function parse(message: object) {
  return parseServerMessage(JSON.stringify(message));
}

test("a message is read as it is, without fields that nobody knows", () => {
  expect(parse({ ...FINAL, confidence: 0.9 })).toEqual(FINAL);
});

test("words keep the provider's own fields", () => {
  const word = { text: "Hello.", type: "word", start: 0.1, end: 0.4, logprob: -0.2 };
  const timed = { ...FINAL, message_type: "committed_transcript_with_timestamps", words: [word] };
  expect(parse(timed)).toMatchObject({ words: [word], language_code: null });
});

test("a relay that resumes nothing sends no token", () => {
  const started = {
    ...{ message_type: "session_started", seq: 0, session_id: "s", config: {} },
    limits: { minutes_left: null, max_session_seconds: 60 },
  };
  expect(parse(started)).toMatchObject({ resume_token: null });
});

test("whatever has an error is one, its type known or not", () => {
  const failure = parse({ message_type: "brand_new", seq: 1, error: "Oh.", retryable: true });
  expect(failure).toMatchObject({ message_type: "brand_new", error: "Oh.", retry_after_ms: null });
  expect(failure !== null && isFailure(failure)).toBe(true);
});

test.each([
  ["an unknown type", { message_type: "upstream_reconnecting", seq: 1 }],
  ["a type that objects have by themselves", { message_type: "toString", seq: 1 }],
  ["a position that is none", { ...FINAL, end_sample: -1 }],
  ["a position between frames", { ...FINAL, end_sample: 0.5 }],
  ["an unknown cause", { ...FINAL, cause: "somebody" }],
  ["no type", { seq: 1 }],
  ["a list", []],
])("%s is ignored", (_, message) => {
  expect(parse(message)).toBeNull();
});

test("nothing that arrives throws", () => {
  const types = fc.constantFrom(
    "session_started",
    "committed_transcript_with_timestamps",
    "audio_acknowledged",
    "moving",
    "error",
  );
  const message = fc.tuple(types, fc.dictionary(fc.string(), fc.jsonValue()));
  fc.assert(
    fc.property(
      fc.oneof(
        fc.string(),
        fc.anything(),
        message.map(([message_type, fields]) => JSON.stringify({ ...fields, message_type })),
      ),
      (text) => {
        expect(() => parseServerMessage(text)).not.toThrow();
      },
    ),
  );
});
