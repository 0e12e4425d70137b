import { useEffect, useState } from "react";

/** Colours of the page, as a canvas takes them. */
export interface Theme {
  accent: string;
  ink: string;
  quiet: string;
  line: string;
  warn: string;
  font: string;
}

const QUERIES = [
  "(prefers-color-scheme: dark)",
  "(prefers-contrast: more)",
  "(forced-colors: active)",
];

function readTheme(): Theme {
  const style = getComputedStyle(document.documentElement);
  const token = (name: string) => style.getPropertyValue(name).trim();
  return {
    accent: token("--accent"),
    ink: token("--ink"),
    quiet: token("--ink-2"),
    line: token("--line"),
    warn: token("--warn"),
    font: `12px ${getComputedStyle(document.body).fontFamily}`,
  };
}

/** The colours now; others as soon as it gets dark, or whoever looks asks for more contrast. */
export function useTheme(): Theme {
  const [theme, setTheme] = useState(readTheme);
  useEffect(() => {
    const lists = QUERIES.map((query) => matchMedia(query));
    const change = () => setTheme(readTheme());
    for (const list of lists) list.addEventListener("change", change);
    return () => {
      for (const list of lists) list.removeEventListener("change", change);
    };
  }, []);
  return theme;
}
