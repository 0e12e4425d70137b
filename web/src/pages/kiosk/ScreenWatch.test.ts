// @vitest-environment happy-dom
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";

import type { KioskScreen, KioskState } from "./KioskScreen";
import { ScreenWatch } from "./ScreenWatch";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const html = (state: KioskState, words: string = state, script = "kiosk-1.js") =>
  `<script src="${script}"></script><body data-kiosk-state="${state}">${words}</body>`;

/** A watch, beside a relay that answers what the test says. */
class Scene {
  answer: () => Promise<Response> = () => Promise.reject(new TypeError("Failed to fetch"));
  readonly fetch = vi.fn(() => this.answer());
  readonly reload = vi.spyOn(location, "reload").mockReturnValue(undefined);
  readonly turn = vi.fn<(screen: KioskScreen) => void>();
  readonly watch: ScreenWatch;

  constructor(state: KioskState, words: string = state) {
    vi.stubGlobal("fetch", this.fetch);
    const content = words;
    this.watch = new ScreenWatch({ state, content, scripts: "kiosk-1.js", document }, this.turn);
    this.show(html(state, words));
    void this.watch.run();
  }

  show(page: string, status = 200): void {
    this.answer = () => Promise.resolve(new Response(page, { status }));
  }

  async pass(ms: number): Promise<void> {
    await vi.advanceTimersByTimeAsync(ms);
  }

  get turnedTo(): KioskState[] {
    return this.turn.mock.calls.map(([{ state }]) => state);
  }
}

test("a kiosk is asked for once a minute, and everything else every four seconds", async () => {
  const kiosk = new Scene("ready");
  await kiosk.pass(120_000);
  expect(kiosk.fetch).toHaveBeenCalledTimes(2);
  const device = new Scene("new");
  await device.pass(12_000);
  expect(device.fetch).toHaveBeenCalledTimes(3);
});

test("the same page again changes nothing", async () => {
  const scene = new Scene("waiting", "KXR 7PM");
  await scene.pass(60_000);
  expect(scene.turn).not.toHaveBeenCalled();
  expect(scene.reload).not.toHaveBeenCalled();
});

test("another page is turned to, once", async () => {
  const scene = new Scene("waiting");
  scene.show(html("ready"));
  await scene.pass(120_000);
  expect(scene.turnedTo).toEqual(["ready"]);
  expect(scene.reload).not.toHaveBeenCalled();
});

test("other words of the same page are turned to", async () => {
  const scene = new Scene("waiting", "KXR 7PM");
  scene.show(html("waiting", "BBQ 2CD"));
  await scene.pass(4_000);
  expect(scene.turnedTo).toEqual(["waiting"]);
});

describe("while the relay is away", () => {
  test("nothing is left, whoever answers for it, until it is back", async () => {
    const scene = new Scene("waiting");
    scene.answer = () => Promise.reject(new TypeError("Failed to fetch"));
    await scene.pass(8_000);
    scene.show("<h1>502 Bad Gateway</h1>", 502);
    await scene.pass(8_000);
    expect(scene.fetch).toHaveBeenCalledTimes(4);
    expect(scene.turn).not.toHaveBeenCalled();
    expect(scene.reload).not.toHaveBeenCalled();
    scene.show(html("ready"));
    await scene.pass(4_000);
    expect(scene.turnedTo).toEqual(["ready"]);
  });
});

describe("a relay of another version", () => {
  const newer = html("ready", "ready", "kiosk-2.js");

  test("has the page loaded again", async () => {
    const scene = new Scene("ready");
    scene.show(newer);
    await scene.pass(60_000);
    expect(scene.reload).toHaveBeenCalledTimes(1);
    expect(scene.turn).not.toHaveBeenCalled();
  });

  test("waits until nobody speaks", async () => {
    const scene = new Scene("ready");
    scene.watch.isBusy = true;
    scene.show(newer);
    await scene.pass(120_000);
    expect(scene.reload).not.toHaveBeenCalled();
    scene.watch.isBusy = false;
    await scene.pass(60_000);
    expect(scene.reload).toHaveBeenCalledTimes(1);
  });
});

describe("while somebody speaks", () => {
  test("another name waits", async () => {
    const scene = new Scene("ready", "lobby");
    scene.watch.isBusy = true;
    scene.show(html("ready", "hall"));
    await scene.pass(60_000);
    expect(scene.turn).not.toHaveBeenCalled();
  });

  test("a kiosk that is none any more is turned away from all the same", async () => {
    const scene = new Scene("ready");
    scene.watch.isBusy = true;
    scene.show(html("revoked"));
    await scene.pass(60_000);
    expect(scene.turnedTo).toEqual(["revoked"]);
  });
});

describe("in a hurry", () => {
  test("the relay is asked now", async () => {
    const scene = new Scene("ready");
    await scene.pass(1_000);
    scene.watch.hurry();
    await scene.pass(0);
    expect(scene.fetch).toHaveBeenCalledTimes(1);
    await scene.pass(59_000);
    expect(scene.fetch).toHaveBeenCalledTimes(1);
  });

  test("an answer that was on its way already isn't enough", async () => {
    const scene = new Scene("new");
    let arrive: (response: Response) => void = () => undefined;
    scene.answer = () => new Promise((resolve) => (arrive = resolve));
    await scene.pass(4_000);
    scene.watch.hurry(); // a form has been sent meanwhile
    scene.show(html("waiting"));
    arrive(new Response(html("new")));
    await scene.pass(0);
    expect(scene.turnedTo).toEqual(["waiting"]);
  });
});
