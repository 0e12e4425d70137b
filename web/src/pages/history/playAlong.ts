import type { LaterParts } from "./LaterParts";
import type { Words } from "./Words";

/** How far ahead of what is heard the words are there, in seconds. */
const AHEAD_SECONDS = 30;

/** Mark the word that is heard while a recording plays, and fetch the words that it comes to. */
export function playAlong(audio: HTMLMediaElement, words: Words, parts: LaterParts): void {
  const show = () => words.hear(words.track.heardAt(audio.currentTime));
  const lookAhead = () => {
    const seconds = audio.currentTime + AHEAD_SECONDS;
    void parts.bringUntil(() => words.track.endSeconds > seconds).then(show);
  };
  let frame = 0;
  const go = () => {
    show();
    frame = requestAnimationFrame(go);
  };
  const stand = () => {
    cancelAnimationFrame(frame);
    show();
  };
  // `timeupdate` comes four times a second, while a word may last a tenth of one.
  audio.addEventListener("play", () => {
    cancelAnimationFrame(frame);
    go();
  });
  audio.addEventListener("pause", stand);
  audio.addEventListener("ended", stand);
  audio.addEventListener("seeked", show);
  audio.addEventListener("timeupdate", lookAhead);
}
