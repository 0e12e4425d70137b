import { spawnSync } from "node:child_process";

import fc from "fast-check";
import { describe, expect, test } from "vitest";

import type { Gap, Segment } from "../client/types";
import { fileName, toJson, toSrt, toTxt, toVtt, type TranscriptFile } from "./formats";
import { segmentOf, spoken, wordOf } from "./spoken";
import {
  appendBreak,
  appendGap,
  appendSegment,
  emptyTranscript,
  type Transcript,
} from "./Transcript";

const GAP: Gap = { startSeconds: 2, endSeconds: 7.5, reason: "upstream_unavailable" };

function transcriptOf(...segments: Segment[]): Transcript {
  return segments.reduce(
    (transcript, segment, index) => appendSegment(transcript, { ...segment, index }),
    emptyTranscript,
  );
}

describe("txt", () => {
  test("has one line for each segment", () => {
    const transcript = transcriptOf(segmentOf("one  two"), segmentOf("three\nfour"), segmentOf(""));
    expect(toTxt(transcript)).toBe("one two\nthree four\n");
  });

  test("notes a gap where it happened", () => {
    const transcript = appendSegment(
      appendGap(transcriptOf(segmentOf("one")), GAP),
      segmentOf("two", { index: 1 }),
    );
    expect(toTxt(transcript)).toBe("one\n[6 s missing here]\ntwo\n");
  });

  test("notes a gap in the reader's words", () => {
    const transcript = appendGap(emptyTranscript, GAP);
    expect(toTxt(transcript, ({ reason }) => `из-за ${reason}`)).toBe(
      "[из-за upstream_unavailable]\n",
    );
  });

  test("says nothing of a line that was mended", () => {
    const transcript = appendBreak(emptyTranscript, {
      atSeconds: 1,
      lastedMs: 1,
      missingSeconds: 0,
    });
    expect(toTxt(transcript)).toBe("");
  });
});

describe("srt", () => {
  test("is numbered, with commas in its times and an empty line between cues", () => {
    const three = segmentOf("three", { startSeconds: 3665, endSeconds: 3667 });
    expect(toSrt(transcriptOf(spoken("one two", { start: 3661.5 }), three))).toBe(
      "1\n01:01:01,500 --> 01:01:02,500\none two\n\n2\n01:01:05,000 --> 01:01:07,000\nthree\n",
    );
  });

  test("has no arrow in its text", () => {
    expect(toSrt(transcriptOf(segmentOf("a --> b")))).toContain("\na -> b\n");
  });
});

describe("vtt", () => {
  test("has a head, and points in its times", () => {
    const one = segmentOf("one", { startSeconds: 0.0004, endSeconds: 59.9996 });
    expect(toVtt(transcriptOf(one))).toBe("WEBVTT\n\n00:00:00.000 --> 00:00:07.000\none\n");
  });

  test("escapes what players would read", () => {
    const text = toVtt(transcriptOf(segmentOf("a --> <b> &amp;")));
    expect(text).toContain("\na --&gt; &lt;b&gt; &amp;amp;\n");
  });

  test("carries rounded times into the minutes", () => {
    const late = segmentOf("late", { startSeconds: 59.9996, endSeconds: 62 });
    expect(toVtt(transcriptOf(late))).toContain("00:01:00.000 --> 00:01:02.000");
  });
});

describe("json", () => {
  test("holds everything that is known", () => {
    const words = [wordOf("grüß", 0.5, 1), wordOf("[laughs]", null, null, "audio_event")];
    const timed = segmentOf("grüß", { endSeconds: 1.5, words, languageCode: "de" });
    const plain = segmentOf("dich", { startSeconds: 1.5, endSeconds: 2 });
    expect(JSON.parse(toJson(appendGap(transcriptOf(timed, plain), GAP)))).toEqual({
      version: 1,
      language: "de",
      text: "grüß dich",
      segments: [
        { text: "grüß", start: 0, end: 1.5, language_code: "de", words },
        { text: "dich", start: 1.5, end: 2, language_code: null, words: null },
      ],
      gaps: [{ start: 2, end: 7.5, reason: "upstream_unavailable" }],
    } satisfies TranscriptFile);
  });

  test("leaves out what a word has beyond its text, times and type", () => {
    const words = [{ ...wordOf("one", 0, 1), logprob: -0.1 }];
    expect(toJson(transcriptOf(segmentOf("one", { words })))).not.toContain("logprob");
  });

  test("names the language that most segments are in", () => {
    const codes = ["en", "ru", null, "ru", null, null];
    const transcript = transcriptOf(
      ...codes.map((languageCode) => segmentOf("a", { languageCode })),
    );
    expect(JSON.parse(toJson(transcript))).toMatchObject({ language: "ru" });
  });
});

test("an empty transcript is a valid file in each format", () => {
  expect(toTxt(emptyTranscript) + toSrt(emptyTranscript)).toBe("");
  expect(toVtt(emptyTranscript)).toBe("WEBVTT\n");
  expect(JSON.parse(toJson(emptyTranscript))).toMatchObject({
    language: null,
    segments: [],
    gaps: [],
  });
});

test("a file is named after the local minute", () => {
  expect(fileName("srt", new Date(2026, 10, 24, 14, 3))).toBe("transcript-2026-11-24-1403.srt");
  expect(fileName("json", new Date(2026, 0, 2, 3, 4))).toBe("transcript-2026-01-02-0304.json");
});

/** Have ffmpeg read a subtitle file, and write what it understood as SubRip. */
function understood(format: "srt" | "webvtt", input: string): string {
  const command = ["-v", "error", "-f", format, "-i", "-", "-f", "srt", "-"];
  const { stdout, stderr } = spawnSync("ffmpeg", command, { input, encoding: "utf8" });
  expect(stderr).toBe("");
  return stdout.replaceAll("\r\n", "\n").trimEnd();
}

describe.skipIf(spawnSync("ffmpeg", ["-version"]).status !== 0)("ffmpeg", () => {
  const transcript = transcriptOf(
    spoken("We saw it all. Then we left, as everybody else had long ago."),
    spoken("Мы всё видели — и ушли.", { start: 4000 }),
    segmentOf("今天天气很好，我们去公园散步。", { startSeconds: 4010, endSeconds: 4020 }),
  );

  test("reads every cue of the srt", () => {
    expect(understood("srt", toSrt(transcript))).toBe(toSrt(transcript).trimEnd());
  });

  test("reads every cue of the vtt, with the same times and text", () => {
    expect(understood("webvtt", toVtt(transcript))).toBe(toSrt(transcript).trimEnd());
  });

  test("reads back what had to be escaped", () => {
    const text = understood("webvtt", toVtt(transcriptOf(segmentOf("a --> b & c"))));
    expect(text).toMatch(/\na --> b & c$/u);
  });
});

test("nothing that is said adds a line of its own to a subtitle file", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary" }), (text) => {
      const lines = toVtt(transcriptOf(segmentOf(text))).split(/\r\n|\r|\n/u);
      const arrows = lines.filter((line) => line.includes("-->"));
      const isEmpty = text.trim() === "";
      expect(arrows).toHaveLength(isEmpty ? 0 : 1);
      expect(lines.slice(3, -1).every((line) => line !== "")).toBe(true);
    }),
  );
});
