import { useMemo } from "react";

import type { Problem } from "../client/problems";
import { isRecording } from "../recording/RecordingSnapshot";
import { texts, type Language } from "../texts";
import { ProblemNotice } from "./parts/ProblemNotice";
import { RecordButton } from "./parts/RecordButton";
import { RecordedNotice } from "./parts/RecordedNotice";
import { StatePill } from "./parts/StatePill";
import { StatisticsView } from "./parts/StatisticsView";
import { TranscriptView } from "./parts/TranscriptView";
import { Waveform } from "./parts/Waveform";
import { useFollow } from "./useFollow";
import { usePreferredLanguage } from "./usePreferredLanguage";
import { useScribeCallbacks, type ScribeRecordingOptions } from "./useScribeRecording";
import { useRecording } from "./useRecording";
import { useSeconds } from "./useSeconds";

export interface ScribeRecorderProps extends ScribeRecordingOptions {
  /** Of the labels; the browser's by default. */
  language?: Language;
  /**
   * What the button of a problem does that only the page can do, such as signing in
   * (`not_signed_in`). Trying again and dismissing are done here.
   */
  onRemedy?: (problem: Problem) => void;
  className?: string;
}

/** A recorder: one control, what was said, what is wrong and what to do about it, figures. */
export function ScribeRecorder({ language, onRemedy, className, ...options }: ScribeRecorderProps) {
  const [recording, snapshot] = useRecording(options);
  useScribeCallbacks(recording, options);
  const seconds = useSeconds(recording);
  const { ref } = useFollow(snapshot.transcript);
  const preferred = usePreferredLanguage();
  const t = useMemo(() => texts(language ?? preferred), [language, preferred]);

  const act = (problem: Problem) => {
    if (problem.kind === "audio_blocked") void recording.resume();
    else if (problem.kind === "not_signed_in" && onRemedy !== undefined) onRemedy(problem);
    else if (problem.isFinal) void recording.start();
    else recording.dismiss();
  };
  return (
    <section
      className={`scribe-recorder ${className ?? ""}`.trim()}
      lang={t.language}
      aria-label={t.record.label}
    >
      <div
        className="scribe-scroll"
        ref={ref}
        tabIndex={0}
        role="region"
        aria-label={t.transcript.label}
      >
        <TranscriptView
          transcript={snapshot.transcript}
          isRecording={isRecording(snapshot)}
          t={t}
        />
      </div>
      <footer>
        {snapshot.problem !== null && (
          <ProblemNotice problem={snapshot.problem} t={t} onAct={act} />
        )}
        <RecordedNotice {...{ snapshot, t }} />
        <Waveform recording={recording} />
        <div className="scribe-dock">
          <StatePill snapshot={snapshot} t={t} />
          <RecordButton
            snapshot={snapshot}
            t={t}
            onStart={() => void recording.start()}
            onStop={() => void recording.stop()}
          />
          <StatisticsView statistics={snapshot.statistics} seconds={seconds} t={t} />
        </div>
      </footer>
    </section>
  );
}
