/** Every text that the browser's pages show, in English and in Russian. */

import { en, type Texts } from "./en";
import type { Language } from "./Language";
import { ru } from "./ru";

export type { Texts };
export { preferredLanguage, type Language } from "./Language";
export type { Notice, Remedy } from "./Remedy";

/** The texts of a language; English where a page names one that isn't ours. */
export function texts(language: Language): Texts {
  return language === "ru" ? ru : en;
}
