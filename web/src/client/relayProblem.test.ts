import { expect, test } from "vitest";
import { BROKEN, relayProblem } from "./relayProblem";

test.each([
  [1006, null, "relay_away"],
  [1012, null, "relay_away"],
  [null, "credential", "relay_away"],
  [1011, "internal_error", "relay_fault"],
  [1009, null, "invalid_request"],
  [4400, "invalid_request", "invalid_request"],
  [4413, "input_error", "invalid_request"],
  [4401, "unauthorized", "not_signed_in"],
  [4403, "origin_not_allowed", "not_allowed"],
  [4409, null, "taken_over"],
  [4429, "rate_limited", "limit_reached"],
  [4429, "quota_exceeded", "limit_reached"],
  [4502, "quota_exceeded", "provider_refused"],
  [4502, "invalid_request", "provider_refused"],
  [4503, "upstream_unavailable", "provider_away"],
  [4503, "session_time_limit_exceeded", "provider_away"],
  [4503, "internal_error", "relay_fault"],
  [1006, "unauthorized", "not_signed_in"],
] as const)("close code %s with %s is %s", (closeCode, errorType, kind) => {
  expect(relayProblem({ ...BROKEN, closeCode, errorType }, true).kind).toBe(kind);
});

test("the relay's own words and its time to wait are passed on", () => {
  const loss = { closeCode: 4429, errorType: "rate_limited", detail: "Slow.", retryAfterMs: 900 };
  expect(relayProblem(loss, false)).toEqual({
    ...{ kind: "limit_reached", isFinal: false, errorType: "rate_limited" },
    ...{ detail: "Slow.", retryAfterMs: 900 },
  });
});
