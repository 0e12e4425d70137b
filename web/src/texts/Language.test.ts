import { expect, test } from "vitest";

import { preferredLanguage } from "./Language";

test.each([
  [["ru-RU", "en"], "ru"],
  [["de", "EN-gb", "ru"], "en"],
  [["de", "fr"], "en"],
  [[], "en"],
])("of %j pages are in %s", (preferred, language) => {
  expect(preferredLanguage(preferred)).toBe(language);
});
