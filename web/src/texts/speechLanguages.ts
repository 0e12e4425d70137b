/** The languages that people can say they speak. */

import type { Language } from "./Language";

export interface SpeechLanguage {
  /** ISO 639-1, as the relay's `language_code`; empty: it is detected. */
  code: string;
  name: string;
}

/**
 * Those that a page offers: the ones that operators can choose for a kiosk, and the others that
 * most speakers of Europe and Asia would look for. The relay takes any other by its code.
 */
const CODES =
  "ar bg cs da de el en es et fi fr he hi hr hu hy id it ja ka kk ko lt lv nl no pl pt ro ru sk sr sv th tr uk vi zh";

/** List them in a language: detection first, then the language itself, the others by name. */
export function speechLanguagesIn(language: Language, detect: string): readonly SpeechLanguage[] {
  const names = new Intl.DisplayNames([language], { type: "language" });
  const { compare } = new Intl.Collator(language);
  const all = CODES.split(" ").map((code) => ({ code, name: capital(names.of(code) ?? code) }));
  const others = all.filter(({ code }) => code !== language);
  return [
    { code: "", name: detect },
    ...all.filter(({ code }) => code === language),
    ...others.sort((a, b) => compare(a.name, b.name)),
  ];
}

/** In Russian, names of languages are written small; in a list they begin with a capital. */
function capital(name: string): string {
  return name.charAt(0).toLocaleUpperCase() + name.slice(1);
}
