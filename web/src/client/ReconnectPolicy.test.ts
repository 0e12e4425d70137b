import { describe, expect, test } from "vitest";
import {
  defaultReconnectPolicy,
  persistentReconnectPolicy,
  type ReconnectContext,
} from "./ReconnectPolicy";

const context: ReconnectContext = {
  attempt: 1,
  elapsedMs: 0,
  closeCode: 1006,
  errorType: null,
  retryAfterMs: null,
  hasConnected: true,
  refusals: 0,
  canRenewCredential: false,
  random: 0.5,
};

const decide = (fields: Partial<ReconnectContext>) =>
  defaultReconnectPolicy({ ...context, ...fields });
const persist = (fields: Partial<ReconnectContext>) =>
  persistentReconnectPolicy({ ...context, ...fields });

describe("by default", () => {
  test.each([1001, 1005, 1006, 1011, 1012, 4503])("%i is tried again soon", (closeCode) => {
    expect(decide({ closeCode, random: 1 })).toBeLessThanOrEqual(250);
  });

  test.each([1000, 1009, 4400, 4403, 4409, 4413, 4502])("%i ends", (closeCode) => {
    expect(decide({ closeCode })).toBeNull();
  });

  test("the delay grows up to 15 s, with full jitter, and without an end", () => {
    const delays = [1, 2, 3, 7, 1_000].map((attempt) => decide({ attempt, random: 1 }));
    expect(delays).toEqual([250, 500, 1_000, 15_000, 15_000]);
    expect(decide({ attempt: 7, random: 0 })).toBe(0);
    expect(decide({ attempt: 9, elapsedMs: 86_400_000 })).toBe(7_500);
  });

  test("what the relay asks for is waited", () => {
    expect(decide({ closeCode: 4503, retryAfterMs: 5_000 })).toBe(5_125);
  });

  test("a refused credential is renewed once, if it can be", () => {
    const refused = { closeCode: 4401, refusals: 1 };
    expect(decide({ ...refused, canRenewCredential: true })).toBe(0);
    expect(decide({ ...refused, refusals: 2, canRenewCredential: true })).toBeNull();
    expect(decide(refused)).toBeNull();
  });

  test("a credential that can't be had just now is asked for again", () => {
    expect(decide({ closeCode: null, errorType: "credential" })).toBe(125);
  });

  test("idleness ends nothing", () => {
    expect(decide({ closeCode: 4408 })).toBe(0);
  });

  test("the longest time of a session is followed by the next session, at once", () => {
    const limit = { closeCode: 4429, errorType: "session_time_limit_exceeded" };
    expect(decide(limit)).toBe(0);
    expect(decide({ ...limit, attempt: 3 })).toBe(500); // it was over before it began
  });

  test("limits that pass are waited out, the day's isn't", () => {
    const limited = { closeCode: 4429, retryAfterMs: 3_000 };
    expect(decide({ ...limited, errorType: "too_many_sessions" })).toBe(3_125);
    expect(decide({ ...limited, errorType: "quota_exceeded" })).toBeNull();
  });
});

describe("for kiosks", () => {
  test.each([4400, 4413, 1009, 4401, 4403])("%i ends", (closeCode) => {
    expect(persist({ closeCode })).toBeNull();
  });

  test.each([1000, 4409, 4502])("%i is tried again about once a minute", (closeCode) => {
    expect(persist({ closeCode })).toBe(67_500);
  });

  test("a quota that lasts until midnight is asked for again within minutes", () => {
    expect(persist({ closeCode: 4429, errorType: "quota_exceeded", retryAfterMs: 3.6e6 })).toBe(
      67_500,
    );
  });

  test("a broken line is mended as fast as by default", () => {
    expect(persist({})).toBe(125);
  });
});
