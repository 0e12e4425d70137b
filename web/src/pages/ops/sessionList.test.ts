import { expect, test } from "vitest";

import { attention, filtered, pressed, sorted, type Column } from "./sessionList";
import { session } from "./testData";

const ids = (sessions: { session_id: string }[]) => sessions.map(({ session_id }) => session_id);

test("what needs somebody is told by what is wrong now or was lately", () => {
  expect(attention(session("a"))).toBe(0);
  expect(attention(session("a", { state: "queued" }))).toBe(1);
  expect(attention(session("a", { warnings: ["clipping"] }))).toBe(2);
  expect(attention(session("a", { flags: 1 }))).toBe(2);
  expect(attention(session("a", { recent: "ooogo" }))).toBe(3);
  expect(attention(session("a", { recent: "g" + "o".repeat(12) }))).toBe(0);
});

test("all words have to be found, wherever they stand", () => {
  const list = [
    session("8f2c", { name: "Ward-3", address: "10.0.0.7", language_code: "ru" }),
    session("91aa", { name: "lobby", address: null, worker: "relay-2:17" }),
  ];
  expect(ids(filtered(list, "all", ""))).toEqual(["8f2c", "91aa"]);
  expect(ids(filtered(list, "all", " ward  10.0 "))).toEqual(["8f2c"]);
  expect(ids(filtered(list, "all", "RELAY-2"))).toEqual(["91aa"]);
  expect(ids(filtered(list, "all", "ward relay-2"))).toEqual([]);
});

test("sessions are shown by their state, and by what needs somebody", () => {
  const list = [
    session("open"),
    session("parked", { state: "parked" }),
    session("queued", { state: "queued" }),
    session("opening", { state: "opening" }),
    session("loud", { warnings: ["clipping"] }),
  ];
  expect(ids(filtered(list, "open", ""))).toEqual(["open", "loud"]);
  expect(ids(filtered(list, "parked", ""))).toEqual(["parked"]);
  expect(ids(filtered(list, "waiting", ""))).toEqual(["queued", "opening"]);
  expect(ids(filtered(list, "attention", ""))).toEqual(["loud"]);
});

test.each<[Column, string[]]>([
  ["attention", ["c", "a", "b"]],
  ["name", ["b", "c", "a"]],
  ["audio", ["c", "b", "a"]],
  ["added", ["b", "a", "c"]],
  ["final", ["a", "b", "c"]],
])("sessions are sorted by %s", (column, expected) => {
  const list = [
    session("a", { name: "anna", received_ms: 1, added_latency_ms: 2, speech_to_final_ms: 500 }),
    session("b", { name: "zoe", received_ms: 2, added_latency_ms: 3, speech_to_final_ms: 400 }),
    session("c", { name: "ben", received_ms: 3, warnings: ["clipping"] }),
  ];
  expect(ids(sorted(list, { column, isDescending: true }))).toEqual(expected);
});

test("equal rows keep their places", () => {
  const list = [
    session("b", { started_at: 2 }),
    session("c", { started_at: 1 }),
    session("a", { started_at: 2 }),
  ];
  for (const isDescending of [true, false])
    expect(ids(sorted(list, { column: "attention", isDescending }))).toEqual(["c", "a", "b"]);
});

test("a second press on a column turns it round", () => {
  const byName = pressed({ column: "attention", isDescending: true }, "name");
  expect(byName).toEqual({ column: "name", isDescending: false });
  expect(pressed(byName, "name")).toEqual({ column: "name", isDescending: true });
  expect(pressed(byName, "audio")).toEqual({ column: "audio", isDescending: true });
});
