import type { RecordingSnapshot } from "../../recording/RecordingSnapshot";
import { isRecording } from "../../recording/RecordingSnapshot";
import type { Texts } from "../../texts";

interface RecordButtonProps {
  snapshot: RecordingSnapshot;
  t: Texts;
  onStart: () => void;
  onStop: () => void;
}

/** The one control: red means recording and nothing else. */
export function RecordButton({ snapshot, t, onStart, onStop }: RecordButtonProps) {
  const isOn = isRecording(snapshot);
  return (
    <button
      type="button"
      className="scribe-record"
      aria-pressed={isOn}
      aria-label={isOn ? t.record.stop : t.record.start}
      title={isOn ? t.record.stop : t.record.start}
      disabled={snapshot.state === "stopping"}
      onClick={isOn ? onStop : onStart}
    />
  );
}
