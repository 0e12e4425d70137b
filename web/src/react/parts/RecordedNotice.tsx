import { isRecording, type RecordingSnapshot } from "../../recording/RecordingSnapshot";
import type { Texts } from "../../texts";

/** Says that the relay keeps the audio, while it does; its place is always there, to be read out. */
export function RecordedNotice({ snapshot, t }: { snapshot: RecordingSnapshot; t: Texts }) {
  const isKept = snapshot.isRecorded && isRecording(snapshot);
  return (
    <p className="scribe-recorded" aria-live="polite">
      {isKept && t.record.isKept}
    </p>
  );
}
