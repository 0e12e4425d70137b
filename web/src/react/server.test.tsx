// @vitest-environment node
import { renderToString } from "react-dom/server";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { ScribeRecorder } from "./ScribeRecorder";

// As Node 20, which this package runs on: later ones have a navigator.
beforeEach(() => void vi.stubGlobal("navigator", undefined));
afterEach(() => void vi.unstubAllGlobals());

const RELAY = { url: "https://relay.example.org" };

test("a server renders it in English where it isn't told otherwise", () => {
  expect(renderToString(<ScribeRecorder {...RELAY} />)).toContain("Start recording");
  const russian = renderToString(<ScribeRecorder {...RELAY} language="ru" />);
  expect(russian).toContain("Начать запись");
  expect(russian).toContain('lang="ru"');
});
