// @vitest-environment happy-dom
/** The script on the page as the relay writes it: tests/contract/transcript.html. */

import { afterEach, beforeEach, expect, test, vi } from "vitest";
import page from "../../../../tests/contract/transcript.html?raw";
import { texts } from "../../texts";
import { readTranscript } from "./readTranscript";

const scrolled = vi.fn();
const played = vi.fn(() => Promise.resolve());

/** A part of the same transcript that comes later. */
const LATER =
  '<ol class="segments"><li id="s2"><a data-start="6.0">0:06</a><div><p>' +
  '<span data-t="6.0" data-e="6.5">later</span></p></div></li></ol>';

beforeEach(() => {
  location.hash = "";
  scrolled.mockClear();
  played.mockClear();
  Element.prototype.scrollIntoView = scrolled;
  vi.stubGlobal("IntersectionObserver", Watcher);
});

afterEach(() => vi.unstubAllGlobals());

/** Says when a part comes near the window. */
class Watcher {
  static latest: Watcher | null = null;
  readonly observed: Element[] = [];
  private readonly tell: (entries: { isIntersecting: boolean }[]) => void;

  constructor(tell: (entries: { isIntersecting: boolean }[]) => void) {
    this.tell = tell;
    Watcher.latest = this;
  }
  observe(element: Element): void {
    this.observed.push(element);
  }
  disconnect(): void {
    this.observed.length = 0;
  }
  comeNear(): void {
    this.tell([{ isIntersecting: true }]);
  }
}

/** The page, open; `answer` is what the relay says to requests for later parts. */
class Reading {
  readonly said: HTMLElement;
  readonly audio: HTMLAudioElement | null;
  readonly asked: string[] = [];

  constructor({ html = page, answer = "", status = 200 } = {}) {
    document.body.innerHTML = html;
    vi.stubGlobal("fetch", (url: string) => {
      this.asked.push(new URL(url, "http://relay").search);
      return Promise.resolve(new Response(answer, { status }));
    });
    const said = document.getElementById("said");
    if (said === null) throw new Error("nothing was said");
    this.said = said;
    this.audio = document.querySelector("audio");
    if (this.audio !== null) this.audio.play = played;
    readTranscript(said, texts("en"));
  }

  get status(): string {
    const status = document.getElementById("word");
    return status === null || status.hidden ? "" : status.textContent;
  }

  marked(name: "chosen" | "heard"): string[] {
    return [...document.querySelectorAll(`.${name}`)].map((each) => each.textContent);
  }

  click(text: string): void {
    const all = [...this.said.querySelectorAll<HTMLElement>("span, a")];
    all.find((each) => each.textContent === text)?.click();
  }

  press(key: string, init: KeyboardEventInit = {}): boolean {
    const event = new KeyboardEvent("keydown", { key, cancelable: true, bubbles: true, ...init });
    return this.said.dispatchEvent(event);
  }

  /** Let the recording come to a time. */
  playTo(seconds: number): void {
    if (this.audio === null) throw new Error("there is no sound");
    this.audio.currentTime = seconds;
    this.audio.dispatchEvent(new Event("seeked"));
  }
}

const SILENT = page.replace(/<div class="player">[^]*?<\/div>/, "");

test("a word that is clicked says its time, and the recording goes there", () => {
  const reading = new Reading();
  reading.click("morning.");
  expect(reading.status).toBe("“morning.”, 0:01.00 to 0:01.50");
  expect(reading.marked("chosen")).toEqual(["morning."]);
  expect(reading.audio?.currentTime).toBe(1);
  expect(location.hash).toBe("#t=1");
});

test("without a recording words have their times all the same", () => {
  const reading = new Reading({ html: SILENT });
  reading.click("今");
  expect(reading.status).toBe("“今”, 0:04.00 to 0:04.20");
  reading.press("ArrowRight");
  expect(reading.marked("chosen")).toEqual(["天"]);
  expect(reading.press("Enter")).toBe(true); // it is left to the browser
});

test("the arrow keys go from word to word, over segments, and stay within", () => {
  const reading = new Reading();
  reading.click("morning.");
  reading.press("ArrowRight");
  expect(reading.marked("chosen")).toEqual(["今"]);
  reading.press("ArrowLeft");
  reading.press("ArrowLeft");
  reading.press("ArrowLeft");
  expect(reading.marked("chosen")).toEqual(["Good"]);
  for (let press = 0; press < 9; press++) reading.press("ArrowRight");
  expect(reading.marked("chosen")).toEqual(["again"]);
});

test("keys with a use of their own keep it", () => {
  const reading = new Reading();
  reading.press("ArrowRight", { altKey: true });
  document
    .querySelector(".segments a")
    ?.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true }));
  expect(reading.marked("chosen")).toEqual([]);
  expect(played).not.toHaveBeenCalled();
});

test("Enter plays from the chosen word, and the space bar plays and pauses", () => {
  const reading = new Reading();
  reading.click("今");
  reading.press("Enter");
  expect(reading.audio?.currentTime).toBe(4);
  expect(played).toHaveBeenCalledTimes(1);
  reading.press(" ");
  expect(played).toHaveBeenCalledTimes(2);
});

test("the time of a segment is where the recording goes on", () => {
  const reading = new Reading();
  reading.click("0:04");
  expect(reading.audio?.currentTime).toBe(4);
  expect(reading.marked("chosen")).toEqual([]);
});

test("the word that is heard is marked, and in a pause none", () => {
  const reading = new Reading();
  reading.playTo(0.6);
  expect(reading.marked("heard")).toEqual(["Good"]);
  reading.playTo(1.2);
  expect(reading.marked("heard")).toEqual(["morning."]);
  reading.playTo(3);
  expect(reading.marked("heard")).toEqual([]);
});

test("whoever has scrolled away is not taken along", () => {
  const reading = new Reading();
  reading.playTo(0.6);
  Element.prototype.getBoundingClientRect = () => new DOMRect(0, -500, 10, 10);
  reading.playTo(1.2);
  expect(scrolled).not.toHaveBeenCalled();
  Element.prototype.getBoundingClientRect = function (this: Element) {
    return new DOMRect(0, this.textContent === "again" ? 5_000 : 10, 10, 10);
  };
  reading.playTo(4.1);
  expect(scrolled).not.toHaveBeenCalled(); // the word is in sight
  reading.playTo(4.7);
  expect(scrolled).toHaveBeenCalledTimes(1);
});

test("what comes near the window is fetched, and its words belong to it", async () => {
  const reading = new Reading({ answer: LATER });
  Watcher.latest?.comeNear();
  await vi.waitFor(() => expect(document.getElementById("s2")).not.toBeNull());
  expect(reading.asked).toEqual(["?after=1"]);
  expect(document.getElementById("later")).toBeNull(); // that was the last part
  reading.playTo(6.1);
  expect(reading.marked("heard")).toEqual(["later"]);
});

test("a recording fetches the words that it comes to", async () => {
  const reading = new Reading({ answer: LATER });
  reading.audio?.dispatchEvent(new Event("timeupdate"));
  reading.audio?.dispatchEvent(new Event("timeupdate"));
  await vi.waitFor(() => expect(document.getElementById("s2")).not.toBeNull());
  expect(reading.asked).toEqual(["?after=1"]);
});

test.each([
  ["an error", { answer: "", status: 503 }],
  ["another page", { answer: "<h1>Sign in</h1>" }],
])(
  "where %s comes instead, the link stays, and the relay isn't asked at once",
  async (_, given) => {
    const reading = new Reading(given);
    reading.audio?.dispatchEvent(new Event("timeupdate"));
    await vi.waitFor(() => expect(reading.asked).toHaveLength(1));
    await new Promise((done) => setTimeout(done));
    reading.audio?.dispatchEvent(new Event("timeupdate"));
    await new Promise((done) => setTimeout(done));
    expect(reading.asked).toHaveLength(1);
    expect(document.querySelector("#later a")).not.toBeNull();
  },
);

test("a link to a time leads to its word, also in a later part", async () => {
  location.hash = "#t=6.2";
  const reading = new Reading({ answer: LATER });
  await vi.waitFor(() => expect(reading.marked("chosen")).toEqual(["later"]));
});
