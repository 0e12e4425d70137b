import type { Language } from "../../texts/Language";
import { opsEn, type OpsTexts } from "./opsEn";
import { opsRu } from "./opsRu";

export type { OpsTexts };

/** The texts of a language; English where a page names one that isn't ours. */
export function opsTexts(language: Language): OpsTexts {
  return language === "ru" ? opsRu : opsEn;
}
