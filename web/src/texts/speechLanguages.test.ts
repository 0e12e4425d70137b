import { expect, test } from "vitest";

import { speechLanguagesIn } from "./speechLanguages";

test("detection comes first, then the page's own language", () => {
  expect(speechLanguagesIn("ru", "Определять").slice(0, 2)).toEqual([
    { code: "", name: "Определять" },
    { code: "ru", name: "Русский" },
  ]);
});

test("the others are in the order of their names", () => {
  const names = speechLanguagesIn("ru", "").map(({ name }) => name);
  expect(names.slice(2)).toEqual(names.slice(2).toSorted(new Intl.Collator("ru").compare));
});

test("every language is there once, by a name and not by its code", () => {
  const languages = speechLanguagesIn("en", "Detect");
  expect(new Set(languages.map(({ code }) => code)).size).toBe(languages.length);
  for (const { code, name } of languages) {
    expect(code).toMatch(/^([a-z]{2})?$/u);
    expect(name).toMatch(/^[A-Z][a-z]+/u);
  }
});
