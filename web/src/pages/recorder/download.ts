import {
  fileName,
  MEDIA_TYPES,
  toJson,
  toSrt,
  toTxt,
  toVtt,
  type Format,
} from "../../transcript/formats";
import type { Transcript } from "../../transcript/Transcript";
import type { Texts } from "../../texts";

/** Hand a transcript to the browser as a file. */
export function download(transcript: Transcript, format: Format, t: Texts, now: Date): void {
  const content = new Blob([write(transcript, format, t)], { type: MEDIA_TYPES[format] });
  const link = document.createElement("a");
  link.href = URL.createObjectURL(content);
  link.download = fileName(format, now);
  link.click();
  // The download has taken it over by the time of the next task.
  setTimeout(() => URL.revokeObjectURL(link.href));
}

/** The transcript as plain text, in the reader's language where something is missing. */
export function plainText(transcript: Transcript, t: Texts): string {
  return toTxt(transcript, (gap) => t.transcript.gap(gap));
}

function write(transcript: Transcript, format: Format, t: Texts): string {
  switch (format) {
    case "txt":
      return plainText(transcript, t);
    case "srt":
      return toSrt(transcript);
    case "vtt":
      return toVtt(transcript);
    case "json":
      return toJson(transcript);
  }
}
