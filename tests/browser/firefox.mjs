/**
 * Records in Firefox: `node firefox.mjs URL NAME PASSWORD SENTENCES`. Writes one line of JSON when the relay
 * hears, and another at the end; a test plays the speech in between.
 *
 * Playwright drives a Firefox of its own make only, so this is puppeteer, over WebDriver BiDi.
 */

import { createRequire } from "node:module";

const require = createRequire(
  new URL("../../web/package.json", import.meta.url),
);
const { default: puppeteer } = await import(require.resolve("puppeteer-core"));

const [url, name, password, sentences] = process.argv.slice(2);

const browser = await puppeteer.launch({
  browser: "firefox",
  executablePath: "/usr/bin/firefox-esr",
  extraPrefsFirefox: {
    "media.navigator.permission.disabled": true, // nobody is there to be asked
    "media.navigator.streams.fake": false, // the microphone is PulseAudio's
    "media.autoplay.default": 0,
    // Frames: a machine that is busy with other tests serves a card of 10 ms too late now and then.
    "media.cubeb_latency_mtg_frames": 8192,
  },
});

try {
  const page = await browser.newPage();
  const faults = [];
  page.on("pageerror", (error) => faults.push(String(error)));
  page.on("console", (message) => {
    if (["error", "warn"].includes(message.type())) faults.push(message.text());
  });

  await page.goto(url);
  await page.locator("input[name=name]").fill(name);
  await page.locator("input[name=password]").fill(password);
  await page.locator("form[action='/login'] button").click();
  await page
    .locator("button[aria-pressed=false][aria-label='Start recording']")
    .click();
  await statusHas("Live");
  tell({ userAgent: await browser.userAgent() });

  await page.waitForFunction(
    (count) =>
      document.querySelectorAll("[role=log] p.scribe-text").length >= count,
    { timeout: 60_000 },
    Number(sentences),
  );
  await page.locator("button[aria-label='Stop recording']").click();
  await statusHas("Ready");
  const finals = await page.$$eval("[role=log] p.scribe-text", (lines) =>
    lines.map((line) => line.textContent),
  );
  tell({ finals, faults });

  async function statusHas(text) {
    await page.waitForFunction(
      (wanted) =>
        document.querySelector("#status")?.textContent.includes(wanted),
      { timeout: 30_000 },
      text,
    );
  }
} finally {
  await browser.close();
}

function tell(value) {
  process.stdout.write(`${JSON.stringify(value)}\n`);
}
