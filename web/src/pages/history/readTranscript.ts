import type { Texts } from "../../texts";
import { LaterParts } from "./LaterParts";
import { playAlong } from "./playAlong";
import { preciseClock } from "./preciseClock";
import { Words } from "./Words";

/** Give the words of a transcript's page their times: by mouse, touch and keyboard. */
export function readTranscript(said: HTMLElement, t: Texts): void {
  const list = said.querySelector(".segments");
  const status = document.getElementById("word");
  if (list === null || status === null) return;
  const words = new Words();
  words.adopt(list.children);
  const parts = new LaterParts(list, (segments) => words.adopt(segments));
  const audio = document.querySelector("audio");
  if (audio !== null) {
    audio.parentElement?.append(status);
    playAlong(audio, words, parts);
  }

  const choose = (index: number) => {
    const times = words.track.get(index);
    if (times === undefined) return;
    words.choose(index);
    status.hidden = false;
    status.textContent = t.history.wordAt({
      word: words.textOf(index),
      start: preciseClock(times.startSeconds),
      end: preciseClock(times.endSeconds),
    });
    // So that the place can be shared as a link.
    history.replaceState(history.state, "", `#t=${times.startSeconds}`);
    if (audio !== null) audio.currentTime = times.startSeconds;
  };
  const toggle = () => {
    if (audio?.paused) void audio.play();
    else audio?.pause();
  };
  const acts: Readonly<Record<string, () => void>> = {
    ArrowRight: () => choose(words.start + 1),
    ArrowLeft: () => choose(Math.max(0, words.start - 1)),
    ...(audio !== null && {
      Enter: () => {
        if (words.chosen < 0) choose(words.start + 1);
        void audio.play();
      },
      " ": toggle,
    }),
  };

  said.tabIndex = 0;
  said.setAttribute("aria-describedby", "keys");
  said.classList.add("timed");
  status.setAttribute("role", "status");
  said.addEventListener("click", (event) => {
    // Whoever selects text to copy it chooses no word.
    if (getSelection()?.isCollapsed === false) return;
    const index = words.indexOf(event.target);
    if (index >= 0) choose(index);
    else if (audio !== null) seekToSegment(event.target, audio);
  });
  said.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.altKey || event.metaKey || event.shiftKey) return;
    // Links in it keep Enter for themselves.
    const act = event.target === said ? acts[event.key] : undefined;
    if (act === undefined) return;
    event.preventDefault();
    act();
  });

  const linked = /^#t=(\d+(?:\.\d+)?)$/.exec(location.hash)?.[1];
  if (linked !== undefined) {
    const seconds = Number(linked);
    void parts
      .bringUntil(() => words.track.endSeconds >= seconds)
      .then(() => choose(words.track.begunBy(seconds)));
  }
  parts.watch();
}

function seekToSegment(target: EventTarget | null, audio: HTMLMediaElement): void {
  const link = target instanceof Element ? target.closest<HTMLElement>("[data-start]") : null;
  if (link !== null) audio.currentTime = Number(link.dataset.start);
}
