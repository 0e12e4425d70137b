import { expect, test } from "vitest";

import { hearPartial, hearSegment, noUtterances, type Utterances } from "./Utterances";

const shown = (...steps: ((known: Utterances) => Utterances)[]) =>
  steps.reduce((known, step) => step(known), noUtterances);

const partial = (text: string) => (known: Utterances) => hearPartial(known, text);
const segment = (text: string) => (known: Utterances) => hearSegment(known, text);

test("a final takes the place of its partial", () => {
  expect(shown(partial("good mor"), segment("Good morning."))).toEqual({
    previous: "",
    current: "Good morning.",
    isOpen: false,
  });
});

test("the next utterance moves the last one up, and the one before it goes", () => {
  const steps = [partial("one"), segment("One."), partial("two"), segment("Two.")];
  expect(shown(...steps, partial("thr"))).toEqual({
    previous: "Two.",
    current: "thr",
    isOpen: true,
  });
});

test("a final that had no partial is an utterance too", () => {
  expect(shown(segment("One."), segment("Two."))).toMatchObject({
    previous: "One.",
    current: "Two.",
  });
});

test("the empty partial behind a final changes nothing", () => {
  expect(shown(partial("one"), segment("One."), partial(""))).toEqual(
    shown(partial("one"), segment("One.")),
  );
});

test("a partial of which nothing came is taken away", () => {
  expect(shown(partial("hm"), partial(""))).toMatchObject({ current: "", isOpen: false });
});
