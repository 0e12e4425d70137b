import type { Problem } from "../../client/problems";
import type { Recording } from "../../recording/Recording";

/** Do what the button of a remedy promises. The transcript on the page is never lost by it. */
export function applyRemedy(problem: Problem, recording: Recording): void {
  switch (problem.kind) {
    case "not_signed_in":
      // Elsewhere, because leaving this page would lose what was said.
      open("/login?next=/", "_blank", "noopener");
      break;
    case "audio_blocked":
      void recording.resume();
      break;
    case "silent_microphone":
      document.querySelector<HTMLSelectElement>(".choices select")?.focus();
      recording.dismiss();
      break;
    default:
      if (problem.isFinal) void recording.start();
      else recording.dismiss();
  }
}
