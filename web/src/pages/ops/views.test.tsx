// @vitest-environment happy-dom
import { cleanup, fireEvent, render, screen, within } from "@testing-library/react";
import { afterEach, beforeEach, expect, test, vi } from "vitest";

import { opsTexts } from "./opsTexts";
import { KiosksView } from "./KiosksView";
import { SessionsView } from "./SessionsView";
import { FaultsView, StatusView } from "./StatusView";
import { session } from "./testData";
import type { Overview, Session, Worker } from "./types";
import { WorkersView } from "./WorkersView";

const t = opsTexts("en");

beforeEach(() => {
  vi.stubGlobal("fetch", (path: string) => {
    if (!path.endsWith("/timeline")) throw new Error(path);
    const entries = [
      { at: 1_764_000_000, kind: "began", code: "new" },
      { at: 1_764_000_004, kind: "commit", seconds: 0.41 },
      { at: 1_764_000_005, kind: "gap", code: "client_buffer", seconds: 1.5 },
    ];
    return Promise.resolve(new Response(JSON.stringify({ entries })));
  });
});
afterEach(() => {
  cleanup();
  vi.unstubAllGlobals();
});

function show(sessions: Session[], onEnd = vi.fn()) {
  render(<SessionsView {...{ sessions, t, onEnd }} />);
  return onEnd;
}

const rows = () => screen.getAllByRole("row").slice(1);
const idsShown = () => rows().map((row) => row.dataset.session);

test("sessions that need somebody stand first, with what is wrong in words", () => {
  show([
    session("a".repeat(32)),
    session("b".repeat(32), { warnings: ["clipping"], gap_ms: 1_500, flags: 2 }),
  ]);
  expect(idsShown()).toEqual(["b".repeat(32), "a".repeat(32)]);
  const [first] = rows();
  for (const words of ["too loud", "audio lost 1.50 s", "2 flags"]) {
    expect(first?.textContent).toContain(words);
  }
});

test("hundreds of sessions are shown a hundred at a time, and can be found", () => {
  show(Array.from({ length: 250 }, (_, index) => session(`s${index}`, { name: `ward-${index}` })));
  expect(rows()).toHaveLength(100);
  fireEvent.click(screen.getByRole("button", { name: "Show 100 more" }));
  fireEvent.click(screen.getByRole("button", { name: "Show 50 more" }));
  expect(rows()).toHaveLength(250);
  fireEvent.change(screen.getByRole("searchbox"), { target: { value: "ward-249" } });
  expect(idsShown()).toEqual(["s249"]);
  expect(screen.getByText("1 of 250 sessions")).toBeDefined();
  fireEvent.change(screen.getByLabelText("Show"), { target: { value: "parked" } });
  expect(screen.getByText("No session is like that.")).toBeDefined();
});

test("a column's head says how it is sorted", () => {
  show([session("a", { received_ms: 1 }), session("b", { received_ms: 2 })]);
  const head = screen.getByRole("columnheader", { name: "audio" });
  fireEvent.click(within(head).getByRole("button"));
  expect(idsShown()).toEqual(["b", "a"]);
  expect(head.getAttribute("aria-sort")).toBe("descending");
  fireEvent.click(within(head).getByRole("button"));
  expect(idsShown()).toEqual(["a", "b"]);
  expect(head.getAttribute("aria-sort")).toBe("ascending");
});

test("a session ends after a second press alone", () => {
  const onEnd = show([session("8f2c91aa")]);
  const press = (name: string) => fireEvent.click(screen.getByRole("button", { name }));
  press("End session 8f2c91aa");
  expect(document.activeElement?.textContent).toBe("End now session 8f2c91aa");
  fireEvent.keyDown(screen.getByRole("group"), { key: "Escape" });
  expect(document.activeElement?.textContent).toBe("End session 8f2c91aa");
  expect(onEnd).not.toHaveBeenCalled();
  press("End session 8f2c91aa");
  press("End now session 8f2c91aa");
  expect(onEnd).toHaveBeenCalledExactlyOnceWith(session("8f2c91aa"));
});

test("a session's course is opened below it, with finals where they are asked for", async () => {
  show([session("8f2c91aa", { segments: 7 })]);
  const opener = screen.getByRole("button", { name: "Course of session 8f2c91aa" });
  fireEvent.click(opener);
  expect(opener.getAttribute("aria-expanded")).toBe("true");
  const list = await screen.findByRole("list", { name: "What happened, the newest first" });
  const entries = () => within(list).getAllByRole("listitem");
  expect(entries().map((entry) => entry.className)).toEqual(["trouble", ""]);
  expect(entries()[0]?.textContent).toContain("gap client_buffer 1.50 s");
  fireEvent.click(screen.getByRole("checkbox"));
  expect(entries()).toHaveLength(3);
});

const worker = (name: string, fields: Partial<Worker> = {}): Worker => ({
  worker: name,
  version: "1",
  started_at: 0,
  duty: "serving",
  sessions: 3,
  sessions_limit: 400,
  ...fields,
});

const overview = (workers: Worker[] | null, fields: Partial<Overview> = {}): Overview => ({
  at: 1_764_000_000,
  health: { key: null, upstream: "can't be reached" },
  workers,
  slots: { limit: 30, taken: 17, waiting: 2 },
  ...fields,
});

test("a worker is drained after a second press, and can serve again", () => {
  const onDrain = vi.fn();
  const onServe = vi.fn();
  const workers = [worker("a:1"), worker("a:2"), worker("b:1", { duty: "draining", sessions: 0 })];
  render(<WorkersView overview={overview(workers)} {...{ t, onDrain, onServe }} />);
  expect(screen.getByText("drained")).toBeDefined();
  expect(screen.getByText("17 / 30")).toBeDefined();
  fireEvent.click(screen.getByRole("button", { name: "Drain a:2" }));
  expect(screen.getByText(/move to other workers/)).toBeDefined();
  fireEvent.click(screen.getByRole("button", { name: "Drain now a:2" }));
  expect(onDrain).toHaveBeenCalledExactlyOnceWith(workers[1]);
  fireEvent.click(screen.getByRole("button", { name: "Take sessions again b:1" }));
  expect(onServe).toHaveBeenCalledExactlyOnceWith(workers[2]);
});

test("whoever drains the last worker that serves is told what comes of it", () => {
  const workers = [worker("a:1"), worker("a:2", { duty: "draining" })];
  render(
    <WorkersView overview={overview(workers)} {...{ t, onDrain: vi.fn(), onServe: vi.fn() }} />,
  );
  fireEvent.click(screen.getByRole("button", { name: "Drain a:1" }));
  expect(screen.getByText(/No other worker takes sessions/)).toBeDefined();
});

test("what is wrong is said, and what can't be told", () => {
  const away = overview(null, { slots: null });
  render(
    <>
      <StatusView overview={away} isAway t={t} />
      <FaultsView overview={away} t={t} />
      <WorkersView overview={away} {...{ t, onDrain: vi.fn(), onServe: vi.fn() }} />
    </>,
  );
  expect(screen.getByText("can't be reached")).toBeDefined();
  expect(screen.getByRole("alert").textContent).toContain("doesn’t answer");
  expect(screen.getByText(/Workers can’t be listed/)).toBeDefined();
});

test("a waiting device's code is put into the form", () => {
  document.body.innerHTML = `<input id="code"><input id="kiosk-name"><div id="here"></div>`;
  const container = document.getElementById("here") ?? undefined;
  const kiosk = { code: "BCDF-GHJK", address: "10.1.2.51", expires_at: "2025-11-24T16:05:00Z" };
  const now = Date.parse("2025-11-24T16:00:00Z") / 1_000;
  render(<KiosksView waiting={[kiosk]} {...{ now, t }} />, { container });
  expect(screen.getByText("10.1.2.51 · 5 min left")).toBeDefined();
  fireEvent.click(screen.getByRole("link", { name: /BCDF-GHJK/ }));
  expect(document.querySelector<HTMLInputElement>("#code")?.value).toBe("BCDF-GHJK");
  expect(document.activeElement?.id).toBe("kiosk-name");
});

test("Russian says all of it too", () => {
  const { sessions } = opsTexts("ru");
  render(<SessionsView sessions={[session("a")]} t={opsTexts("ru")} onEnd={vi.fn()} />);
  expect(screen.getByText(sessions.count(1, 1))).toBeDefined();
  expect(screen.getByRole("columnheader", { name: "до текста" })).toBeDefined();
});
