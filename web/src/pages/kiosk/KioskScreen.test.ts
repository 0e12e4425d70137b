// @vitest-environment happy-dom
import { afterEach, expect, test, vi } from "vitest";

import { fetchScreen, postForm, shownScreen, turnTo } from "./KioskScreen";

afterEach(() => vi.unstubAllGlobals());

const page = (body: string) =>
  `<!doctype html><html><head><title>Kiosk</title>` +
  `<script src="/static/kiosk-1.js"></script></head>${body}</html>`;

const ready = (config: object, inside = "") =>
  page(
    `<body data-kiosk-state="ready">` +
      `<div id="app" data-config='${JSON.stringify(config)}'>${inside}</div>` +
      `<noscript>Without scripts</noscript></body>`,
  );

function answer(html: string, status = 200): ReturnType<typeof vi.fn> {
  const fetched = vi.fn(() => Promise.resolve(new Response(html, { status })));
  vi.stubGlobal("fetch", fetched);
  return fetched;
}

async function fetched(html: string, status = 200) {
  answer(html, status);
  return fetchScreen();
}

test("tells which page it is, with which scripts", async () => {
  const screen = await fetched(page(`<body data-kiosk-state="waiting">KXR 7PM</body>`));
  expect(screen).toMatchObject({ state: "waiting", scripts: "/static/kiosk-1.js" });
  expect(screen.content).toContain("KXR 7PM");
});

test("pages of one state differ by their words", async () => {
  const waiting = (code: string) => page(`<body data-kiosk-state="waiting">${code}</body>`);
  const { content } = await fetched(waiting("KXR 7PM"));
  expect((await fetched(waiting("KXR 7PM"))).content).toBe(content);
  expect((await fetched(waiting("BBQ 2CD"))).content).not.toBe(content);
});

test("a kiosk's page differs by its configuration, and not by what is said on it", async () => {
  const { content } = await fetched(ready({ name: "lobby" }));
  expect((await fetched(ready({ name: "lobby" }, "<p>Hello</p>"))).content).toBe(content);
  expect((await fetched(ready({ name: "hall" }))).content).not.toBe(content);
});

test("an error of the relay's is a page of its own too", async () => {
  const screen = await fetched(page(`<body data-kiosk-state="error">No.</body>`), 503);
  expect(screen.state).toBe("error");
});

test("a page of somebody else's, who answers for a relay that is away, is none", async () => {
  await expect(fetched("<h1>502 Bad Gateway</h1>", 502)).rejects.toThrow("502");
});

test("another page is shown without leaving this one", async () => {
  const here = location.href;
  document.body.innerHTML = "old";
  const body = `<body data-kiosk-state="new"><button autofocus>Go</button></body>`;
  turnTo(await fetched(page(body)));
  expect(document.title).toBe("Kiosk");
  expect(document.body.textContent).toBe("Go");
  expect(document.activeElement).toBe(document.querySelector("button"));
  expect(shownScreen().state).toBe("new");
  expect(location.href).toBe(here);
});

test("what only browsers without scripts show isn't shown", async () => {
  turnTo(await fetched(ready({ name: "lobby" })));
  expect(document.querySelector("noscript")).toBeNull();
  expect(shownScreen().content).toBe(`{"name":"lobby"}`);
});

test("a form is posted as the browser would, without leaving the page", async () => {
  document.body.innerHTML =
    `<form method="post" action="/kiosk/enrol">` +
    `<input name="next" value="/kiosk &amp; more"></form>`;
  const form = document.querySelector("form");
  if (form === null) throw new Error("there is no form");
  const fetched = answer("");
  await postForm(form);
  const [url, { method, body }] = fetched.mock.lastCall as [
    string,
    { method: string; body: URLSearchParams },
  ];
  expect(new URL(url, location.href).pathname).toBe("/kiosk/enrol");
  expect(method).toBe("POST");
  expect(body.toString()).toBe("next=%2Fkiosk+%26+more");
});
