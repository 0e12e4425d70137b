import { afterEach, expect, test, vi } from "vitest";

import { preferredLanguage } from "./Language";

afterEach(() => void vi.unstubAllGlobals());

test.each([
  [["ru-RU", "en"], "ru"],
  [["de", "EN-gb", "ru"], "en"],
  [["de", "fr"], "en"],
  [[], "en"],
])("of %j pages are in %s", (preferred, language) => {
  expect(preferredLanguage(preferred)).toBe(language);
});

test("where there is no browser, pages are in English", () => {
  vi.stubGlobal("navigator", undefined);
  expect(preferredLanguage()).toBe("en");
});
