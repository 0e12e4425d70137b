import { expect, test } from "vitest";
import { FakeBrowser } from "../test/FakeAudio";
import { WakeLock } from "./WakeLock";

function fakes() {
  const browser = new FakeBrowser();
  const { wakeLock, document } = browser.asBrowser();
  return { browser, lock: new WakeLock(wakeLock, document) };
}

/** Promises of the fakes settle at once; this lets whoever waits for them go on. */
const settled = () => new Promise((resolve) => setImmediate(resolve));

test("it is held until it is released", async () => {
  const { browser, lock } = fakes();
  lock.hold();
  await settled();
  expect(browser.wakeLock.held).toBe(1);
  lock.release();
  expect(browser.wakeLock.held).toBe(0);
  expect(browser.document.added).toEqual([]);
});

test("what the system took with the page comes back with the page", async () => {
  const { browser, lock } = fakes();
  lock.hold();
  await settled();
  await browser.wakeLock.sentinels[0]?.release();
  browser.document.show("hidden");
  await settled();
  expect(browser.wakeLock.held).toBe(0);
  browser.document.show("visible");
  await settled();
  expect(browser.wakeLock.held).toBe(1);
});

test("a lock that is still held isn't asked for again", async () => {
  const { browser, lock } = fakes();
  lock.hold();
  lock.hold();
  browser.document.show("visible");
  await settled();
  browser.document.show("visible");
  await settled();
  expect(browser.wakeLock.sentinels).toHaveLength(1);
});

test("a lock that comes after the release is given back", async () => {
  const { browser, lock } = fakes();
  lock.hold();
  lock.release();
  await settled();
  expect(browser.wakeLock.sentinels).toHaveLength(1);
  expect(browser.wakeLock.held).toBe(0);
});

test("a refusal is no error, and it is tried again when the page returns", async () => {
  const { browser, lock } = fakes();
  browser.wakeLock.isRefusing = true;
  lock.hold();
  await settled();
  browser.wakeLock.isRefusing = false;
  browser.document.show("visible");
  await settled();
  expect(browser.wakeLock.held).toBe(1);
});

test("a browser without wake locks is left alone", () => {
  const { document } = new FakeBrowser().asBrowser();
  const lock = new WakeLock(undefined, document);
  lock.hold();
  lock.release();
  expect((document as unknown as { added: unknown[] }).added).toEqual([]);
});
