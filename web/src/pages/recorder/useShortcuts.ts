import { useEffect } from "react";

import { useLatest } from "../../react/useLatest";

/** Elements that have a use of their own for the space bar or for letters. */
const TAKES_KEYS = "a, button, input, select, textarea, summary, dialog, [contenteditable]";

/** Call `acts[key]` for keys pressed anywhere that nothing else has a use for. */
export function useShortcuts(acts: Readonly<Record<string, () => void>>): void {
  const latest = useLatest(acts);
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.repeat || event.ctrlKey || event.altKey || event.metaKey) return;
      // The code is the key's place: `M` is there on a Russian keyboard too.
      const act = latest.current[event.code];
      const target = event.target instanceof Element ? event.target : null;
      if (act === undefined || target?.closest(TAKES_KEYS)) return;
      event.preventDefault();
      act();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [latest]);
}
