// @vitest-environment happy-dom
import { expect, test } from "vitest";

import { texts } from "../../texts";
import { localTimes } from "./localTimes";
import { selectTranscripts } from "./selectTranscripts";

const LIST =
  '<ul class="transcripts"><li><input type="checkbox"></li><li><input type="checkbox"></li></ul>' +
  '<div><button id="take">Export the selected</button></div>';

function open(): { button: HTMLButtonElement; boxes: HTMLInputElement[]; all: HTMLInputElement } {
  document.body.innerHTML = LIST;
  const button = document.querySelector("button");
  if (button === null) throw new Error("there is no button");
  selectTranscripts(button, texts("en"));
  const all = document.querySelector<HTMLInputElement>("label.check input");
  if (all === null) throw new Error("there is no choice of all");
  return { button, boxes: [...document.querySelectorAll<HTMLInputElement>("li input")], all };
}

test("what is selected is counted, and without any there is nothing to export", () => {
  const { button, boxes, all } = open();
  expect([button.disabled, button.textContent]).toEqual([true, "Export the selected"]);
  boxes[1]?.click();
  expect([button.disabled, button.textContent]).toEqual([false, "Export the selected (1)"]);
  expect([all.checked, all.indeterminate]).toEqual([false, true]);
  boxes[0]?.click();
  expect([all.checked, all.indeterminate]).toEqual([true, false]);
});

test("all are selected and left at once", () => {
  const { button, boxes, all } = open();
  all.click();
  expect(boxes.map((box) => box.checked)).toEqual([true, true]);
  expect(button.textContent).toBe("Export the selected (2)");
  all.click();
  expect(boxes.map((box) => box.checked)).toEqual([false, false]);
  expect(button.disabled).toBe(true);
});

test("moments are written in the visitor's own time, and say UTC when asked", () => {
  document.body.innerHTML =
    '<time datetime="2026-11-24T22:30:00+00:00" data-moment>2026-11-24 22:30 UTC</time>' +
    '<time datetime="2026-11-24">as it is</time>';
  const [moment, other] = document.querySelectorAll("time");
  localTimes(document, "ru", "Asia/Yekaterinburg");
  expect(moment?.textContent).toContain("25 нояб. 2026");
  expect(moment?.textContent).toContain("03:30");
  expect(moment?.title).toBe("2026-11-24 22:30 UTC");
  expect(other?.textContent).toBe("as it is");
});
