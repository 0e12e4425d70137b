import { expect, test } from "vitest";
import { Failures } from "./Failures";
import type { ReconnectContext } from "./ReconnectPolicy";
import { BROKEN } from "./relayProblem";

const asked: ReconnectContext[] = [];

function build(): Failures {
  asked.length = 0;
  const policy = (context: ReconnectContext) => (asked.push(context), 0);
  return new Failures(policy, () => 0.5, true);
}

test("attempts and their time are counted from the first failure", () => {
  const failures = build();
  failures.add(BROKEN, 1_000, 0);
  failures.add(BROKEN, 4_000, 0);
  expect(asked[1]).toMatchObject({ attempt: 2, elapsedMs: 3_000, hasConnected: false });
});

test.each([
  ["that lasted", 30_000, 0, 1],
  ["that brought a final", 1, 0.1, 1],
  ["that failed at once", 1, 0, 2],
])("after a session %s", (_, lastedMs, covered, attempt) => {
  const failures = build();
  failures.add(BROKEN, 0, 0);
  failures.admitted(0, 0);
  failures.add(BROKEN, lastedMs, covered);
  expect(asked[1]).toMatchObject({ attempt, hasConnected: true });
});

test("refusals are counted in a row only", () => {
  const failures = build();
  for (const closeCode of [4401, 1006, 4401, 4401]) failures.add({ ...BROKEN, closeCode }, 0, 0);
  expect(asked.map(({ refusals }) => refusals)).toEqual([1, 0, 1, 2]);
});
