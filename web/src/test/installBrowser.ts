import { vi } from "vitest";

import { FakeBrowser } from "./FakeAudio";
import { FakeWebSockets } from "./FakeWebSocket";

/** Put a fake microphone and fake sockets where components look for the browser's own. */
export function installBrowser(): { browser: FakeBrowser; sockets: FakeWebSockets } {
  const browser = new FakeBrowser();
  const sockets = new FakeWebSockets();
  const { AudioContext, AudioWorkletNode, mediaDevices } = browser.asBrowser();
  vi.stubGlobal("isSecureContext", true);
  vi.stubGlobal("AudioContext", AudioContext);
  vi.stubGlobal("AudioWorkletNode", AudioWorkletNode);
  vi.stubGlobal("WebSocket", function (url: string, protocols: string[]) {
    return sockets.create(url, protocols);
  });
  Object.defineProperty(navigator, "mediaDevices", { value: mediaDevices, configurable: true });
  return { browser, sockets };
}
