import { describe, expect, test } from "vitest";
import { captureProblem, missingSupport, workletProblem } from "./microphoneProblem";

const ALL = { isSecureContext: true, hasMediaDevices: true, hasAudioWorklet: true };
const UNKNOWN = { isAllowedByPolicy: null, permission: null };

const refusal = (message: string) => new DOMException(message, "NotAllowedError");

describe("support", () => {
  test("a browser with everything lacks nothing", () => {
    expect(missingSupport(ALL)).toBeNull();
  });

  test("an insecure origin is told before what it hides", () => {
    const insecure = { isSecureContext: false, hasMediaDevices: false, hasAudioWorklet: false };
    expect(missingSupport(insecure)?.kind).toBe("insecure_origin");
  });

  test.each([{ hasMediaDevices: false }, { hasAudioWorklet: false }])("%o", (lack) => {
    expect(missingSupport({ ...ALL, ...lack })?.kind).toBe("unsupported_browser");
  });
});

describe("a rejected getUserMedia", () => {
  test.each([
    ["NotAllowedError", "microphone_denied"],
    ["SecurityError", "blocked_by_policy"],
    ["NotFoundError", "no_microphone"],
    ["OverconstrainedError", "no_microphone"],
    ["NotReadableError", "microphone_busy"],
    ["AbortError", "microphone_busy"],
    ["InvalidStateError", "unsupported_browser"],
  ])("%s is %s, and final", (name, kind) => {
    const problem = captureProblem(new DOMException("Its own words", name), UNKNOWN);
    expect(problem).toMatchObject({ kind, isFinal: true, detail: "Its own words" });
  });

  test("the name of an error stands for an empty message", () => {
    expect(captureProblem(new DOMException("", "NotFoundError"), UNKNOWN).detail).toBe(
      "NotFoundError",
    );
  });

  test("what isn't an error is told in its own words", () => {
    expect(captureProblem("odd", UNKNOWN)).toMatchObject({
      kind: "unsupported_browser",
      detail: "odd",
    });
  });
});

describe("a refusal", () => {
  test("by the page's policy is no person's", () => {
    const known = { isAllowedByPolicy: false, permission: "denied" } as const;
    expect(captureProblem(refusal("Permission denied"), known).kind).toBe("blocked_by_policy");
  });

  test.each([
    "Access to the feature is disallowed by permissions policy.",
    "Microphone is blocked by the Permission-Policy header",
    "Feature policy says no",
  ])("says so itself: %s", (message) => {
    expect(captureProblem(refusal(message), UNKNOWN).kind).toBe("blocked_by_policy");
  });

  test("that isn't remembered can be asked for again", () => {
    const known = { isAllowedByPolicy: true, permission: "prompt" } as const;
    expect(captureProblem(refusal("Permission denied"), known)).toMatchObject({
      kind: "microphone_denied",
      retryAfterMs: 0,
    });
  });

  test.each(["denied", "granted"] as const)(
    "with the permission %s would only be repeated",
    (permission) => {
      const known = { isAllowedByPolicy: true, permission };
      expect(captureProblem(refusal("Permission denied"), known).retryAfterMs).toBeNull();
    },
  );

  test("without a known permission goes by its message", () => {
    expect(captureProblem(refusal("Permission dismissed"), UNKNOWN).retryAfterMs).toBe(0);
    expect(captureProblem(refusal("Permission denied"), UNKNOWN).retryAfterMs).toBeNull();
  });
});

test("a worklet that isn't served names its address", () => {
  const refusal = new DOMException("404", "AbortError");
  const problem = workletProblem(refusal, "/capture.worklet.js", true);
  expect(problem).toMatchObject({
    kind: "unsupported_browser",
    detail: "/capture.worklet.js could not be loaded: 404",
  });
});

test("a worklet whose server doesn't answer is no fault of the browser's", () => {
  const refusal = new DOMException("Network error", "AbortError");
  expect(workletProblem(refusal, "/capture.worklet.js", false).kind).toBe("relay_away");
});
