import { useSyncExternalStore } from "react";

import { preferredLanguage, type Language } from "../texts";

/** The browser's language; on a server English, which is what the page begins with there. */
export function usePreferredLanguage(): Language {
  return useSyncExternalStore(never, preferredLanguage, onServer);
}

const never = () => () => undefined;
const onServer = (): Language => "en";
