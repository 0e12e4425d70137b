/** The languages that pages are written in. */
export type Language = "en" | "ru";

/**
 * Choose the first of ours among languages in order of preference; English if there is none.
 *
 * @param preferred Language tags, as `ru` or `en-GB`; the browser's own by default.
 */
export function preferredLanguage(preferred: readonly string[] = ofBrowser()): Language {
  const languages = preferred.map((tag) => tag.toLowerCase().split("-")[0]);
  return languages.find((language) => language === "en" || language === "ru") ?? "en";
}

/** None on a server: Node has no `navigator` before version 21. */
function ofBrowser(): readonly string[] {
  return typeof navigator === "undefined" ? [] : navigator.languages;
}
