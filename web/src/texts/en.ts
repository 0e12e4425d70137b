import type { AppliedAudio } from "../audio/types";
import type { Break, Gap } from "../client/types";
import { enFigures as figures } from "./figures";
import { kioskRemedies, remedies } from "./enRemedies";
import type { Language } from "./Language";
import { remedyBy } from "./Remedy";
import { speechLanguagesIn } from "./speechLanguages";

/** Every text in English; its shape is what every other language has to have. */
export const en = {
  language: "en" as Language,
  /** As "182 ms". */
  milliseconds: figures.milliseconds,
  remedy: remedyBy(remedies),

  record: {
    label: "Recorder",
    start: "Start recording",
    stop: "Stop recording",
    mute: "Mute",
    unmute: "Unmute",
    isKept: "The sound is recorded and kept.",
  },

  states: {
    idle: "Ready",
    starting: "Opening the microphone",
    connecting: "Connecting",
    live: "Live",
    reconnecting: "Reconnecting",
    resumed: "Catching up",
    muted: "Muted",
    /** The system has taken the microphone away for now. */
    paused: "Paused",
    stopping: "Finishing",
    queued: (position: number) => `Waiting, place ${position}`,
  },

  transcript: {
    label: "Transcript",
    empty: "Start recording, and what you say stands here as text.",
    newest: "To the newest text",
    gap: ({ startSeconds, endSeconds }: Gap) =>
      `${figures.seconds(endSeconds - startSeconds)} missing here`,
    mended: ({ lastedMs, missingSeconds }: Break) => {
      const missing = missingSeconds > 0 ? figures.seconds(missingSeconds) : "nothing";
      return `connection lost ${figures.seconds(lastedMs / 1_000)}, ${missing} missing`;
    },
  },

  statistics: {
    words: "words",
    segments: "segments",
    duration: "time",
    wordsPerMinute: "words/min",
  },

  microphone: {
    choice: "Microphone",
    system: "Default microphone",
    level: "Loudness",
    settings: "Sound",
    echoCancellation: "Take out the echo of loudspeakers",
    noiseSuppression: "Suppress noise",
    autoGainControl: "Even out loudness",
    applied: ({ label, sampleRate }: AppliedAudio) =>
      `In use: ${label === "" ? "a microphone without a name" : label}, ${figures.rate(sampleRate)}`,
    notApplied: (applied: boolean | null, hasSwitched: boolean): string => {
      if (applied === null) return "Not available on this device";
      // Chromium gives a device that is heard no other processing.
      if (hasSwitched)
        return applied ? "On until the recording stops" : "Off until the next recording";
      return applied ? "Stays on with this device" : "Stays off with this device";
    },
  },

  speechLanguage: {
    choice: "Spoken language",
    nextTime: "Can be changed when the recording has stopped",
  },
  speechLanguages: speechLanguagesIn("en", "Detect language"),

  copy: {
    label: "Copy",
    done: "Copied",
    failed: "Copying was refused; select the text instead",
  },

  download: {
    label: "Download",
    formats: {
      txt: "Plain text (.txt)",
      srt: "Subtitles (.srt)",
      vtt: "Subtitles for the web (.vtt)",
      json: "Everything, with word times (.json)",
    },
  },

  clear: {
    label: "New recording",
    question: "Start anew? The text is removed from this page.",
    keep: "Keep the text",
    confirm: "Remove it and start anew",
  },

  keys: {
    space: "Space",
    toggle: "start and stop",
    mute: "mute",
  },

  /** Read out by screen readers. */
  announcements: {
    started: "Recording",
    stopped: "Recording has stopped",
    muted: "The microphone is muted",
    unmuted: "The microphone is on again",
    reconnecting: "The connection is interrupted; what you say is kept",
    reconnected: "Connected again",
  },

  history: {
    selectAll: "All on this page",
    wordAt: ({ word, start, end }: { word: string; start: string; end: string }) =>
      `“${word}”, ${start} to ${end}`,
  },

  kiosk: {
    start: "Touch to speak",
    stop: "Touch to finish",
    listening: "Listening",
    remedy: remedyBy(kioskRemedies),
  },
};

/** Every text of the pages in one language. */
export type Texts = typeof en;
