import { describe, expect, test } from "vitest";

import { problem, type Problem, type ProblemKind } from "../client/problems";
import { en } from "./en";
import { remedies } from "./enRemedies";
import { texts, type Language, type Notice } from "./index";

const KINDS = Object.keys(remedies) as ProblemKind[];

const ERROR_TYPES = [
  null,
  "quota_exceeded",
  "too_many_sessions",
  "rate_limited",
  "session_time_limit_exceeded",
];

/** Every problem that is spoken of differently. */
const PROBLEMS: readonly Problem[] = KINDS.flatMap((kind) =>
  ERROR_TYPES.flatMap((errorType) =>
    [true, false].flatMap((isFinal) =>
      [null, 0, 12_000_000].map((retryAfterMs) =>
        problem(kind, { errorType, isFinal, retryAfterMs }),
      ),
    ),
  ),
);

/** What texts with values are called with. */
const VALUES: Readonly<Record<string, unknown>> = {
  milliseconds: 182.4,
  "states.queued": 3,
  "transcript.gap": { startSeconds: 1, endSeconds: 7, reason: "" },
  "transcript.mended": { atSeconds: 1, lastedMs: 6_000, missingSeconds: 2 },
  "microphone.applied": { label: "", sampleRate: 48_000 },
  "microphone.notApplied": null,
  "history.wordAt": { word: "good", start: "0:01.00", end: "0:01.50" },
};

/** Every text of a language with its path, as `states.live`; of remedies each part. */
function textsOf(language: Language): Map<string, string> {
  const found = new Map<string, string>();
  const walk = (value: unknown, path: string): void => {
    if (typeof value === "string") found.set(path, value);
    else if (path.endsWith("remedy")) walkRemedies(value as (problem: Problem) => Notice, path);
    else if (typeof value === "function")
      walk((value as (value: unknown) => unknown)(VALUES[path]), path);
    else
      for (const [key, part] of Object.entries(value ?? {}))
        walk(part, path === "" ? key : `${path}.${key}`);
  };
  const walkRemedies = (remedy: (problem: Problem) => Notice, path: string): void => {
    for (const [index, each] of PROBLEMS.entries())
      walk(remedy(each), `${path}.${each.kind}.${index}`);
  };
  walk(texts(language), "");
  // Detection is the language whose code is empty.
  found.delete("speechLanguages.0.code");
  return found;
}

/** Parts that need no letters of the language. */
const NOT_WORDS = /^language$|^speechLanguages\.\d+\.code$/u;

describe.each(["en", "ru"] as const)("in %s", (language) => {
  const all = textsOf(language);

  test("no text is empty, or shows that a value was missing", () => {
    for (const [path, text] of all) {
      expect(text.trim(), path).not.toBe("");
      expect(text, path).not.toMatch(/undefined|null|NaN|\[object| {2}/u);
    }
  });

  test("no text has words that only programmers know", () => {
    const jargon =
      /token|socket|\b4\d{3}\b|upstream|websocket|https?:\/\/(?!localhost)|токен|сокет|тикет|апстрим/iu;
    for (const [path, text] of all) expect(text, path).not.toMatch(jargon);
  });

  test("texts have the quotes and apostrophes of print", () => {
    for (const [path, text] of all) expect(text, path).not.toMatch(/["']| - /u);
  });

  test("each kind of problem has words of its own", () => {
    const first = KINDS.map((kind) => texts(language).remedy(problem(kind)));
    expect(new Set(first.map(({ title }) => title)).size).toBe(KINDS.length);
    expect(new Set(first.map(({ text }) => text)).size).toBe(KINDS.length);
  });

  test("each limit has a title of its own", () => {
    const titles = ERROR_TYPES.map(
      (errorType) => texts(language).remedy(problem("limit_reached", { errorType })).title,
    );
    expect(new Set(titles).size).toBe(ERROR_TYPES.length);
  });

  test("no two kinds of problem have buttons with the same label", () => {
    const actions = KINDS.map((kind) => texts(language).remedy(problem(kind)).action);
    const labels = actions.filter((action) => action !== null);
    expect(new Set(labels).size).toBe(labels.length);
  });

  test("sentences end, and labels don’t", () => {
    for (const each of PROBLEMS) {
      const { title, text, action } = texts(language).remedy(each);
      expect(text).toMatch(/[.!?]$/u);
      expect(`${title}${action ?? ""}`).not.toMatch(/[.!]/u);
    }
  });

  test("what mends itself has no button", () => {
    const mending = ["relay_away", "relay_fault", "provider_away", "limit_reached"] as const;
    for (const kind of mending) {
      expect(texts(language).remedy(problem(kind, { isFinal: false })).action).toBeNull();
    }
  });
});

test("both languages have the same texts", () => {
  expect([...textsOf("ru").keys()].filter(isText)).toEqual(
    [...textsOf("en").keys()].filter(isText),
  );
});

test("Russian is written in Cyrillic, with none of the English left", () => {
  const english = textsOf("en");
  for (const [path, text] of textsOf("ru")) {
    if (NOT_WORDS.test(path)) continue;
    expect(text, path).toMatch(/[а-яё]/iu);
    if (isText(path)) expect(text, path).not.toBe(english.get(path));
  }
});

/** Names of languages are another matter: each language lists them in its own order. */
function isText(path: string): boolean {
  return !path.startsWith("speechLanguages");
}

test("a limit tells when it goes on", () => {
  const used = problem("limit_reached", { errorType: "quota_exceeded", retryAfterMs: 12_000_000 });
  expect(texts("en").remedy(used).text).toContain("3 h 20 min");
  expect(texts("ru").remedy(used).text).toContain("3 ч 20 мин");
});

test("a permission that will be asked for again is spoken of differently", () => {
  const asksAgain = problem("microphone_denied", { retryAfterMs: 0 });
  expect(en.remedy(asksAgain).title).not.toBe(en.remedy(problem("microphone_denied")).title);
});

test("a mended line tells what is missing", () => {
  const mended = { atSeconds: 1, lastedMs: 6_000, missingSeconds: 0 };
  const lossy = { ...mended, missingSeconds: 2 };
  expect(texts("en").transcript.mended(mended)).toBe("connection lost 6 s, nothing missing");
  expect(texts("en").transcript.mended(lossy)).toBe("connection lost 6 s, 2 s missing");
  expect(texts("ru").transcript.mended(mended)).toBe("связи не было 6 с, ничего не потеряно");
  expect(texts("ru").transcript.mended(lossy)).toBe("связи не было 6 с, потеряно 2 с");
});

test("a page in a language that isn’t ours is in English", () => {
  expect(texts("de" as Language)).toBe(en);
});
