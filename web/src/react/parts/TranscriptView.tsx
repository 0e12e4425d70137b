import { memo } from "react";

import type { Entry, Transcript } from "../../transcript/Transcript";
import type { Texts } from "../../texts";
import { clock } from "./clock";

interface TranscriptViewProps {
  transcript: Transcript;
  isRecording: boolean;
  t: Texts;
}

/**
 * Everything said so far. What is committed never moves and is never drawn again; screen readers
 * are told of it once. The open line changes several times a second, and is read only on request.
 */
export function TranscriptView({ transcript, isRecording, t }: TranscriptViewProps) {
  return (
    <div className="scribe-transcript">
      <div role="log" aria-label={t.transcript.label}>
        {transcript.blocks.map((block, index) => (
          <Block key={index} entries={block} t={t} />
        ))}
      </div>
      {(transcript.partial !== "" || isRecording) && (
        // One for each segment: the open line becomes a committed one where it stands, and the next
        // begins below it. Moved down, it would be a shift of the layout.
        <div key={transcript.entries.length} className="scribe-entry scribe-open">
          <time />
          <p className="scribe-text" data-testid="partial">
            {transcript.partial}
            {isRecording && <span className="scribe-caret" />}
          </p>
        </div>
      )}
    </div>
  );
}

interface BlockProps {
  entries: readonly Entry[];
  t: Texts;
}

/** Some entries together, so that hours of text cost no more than the last of them. */
const Block = memo(function Block({ entries, t }: BlockProps) {
  return (
    <div className="scribe-block">
      {entries.map((entry, index) => (
        <EntryView key={index} entry={entry} t={t} />
      ))}
    </div>
  );
});

const EntryView = memo(function EntryView({ entry, t }: { entry: Entry; t: Texts }) {
  switch (entry.kind) {
    case "segment":
      return (
        <div className="scribe-entry">
          <time>{clock(entry.segment.startSeconds)}</time>
          <p className="scribe-text" lang={entry.segment.languageCode ?? undefined}>
            {entry.segment.text}
          </p>
        </div>
      );
    case "gap":
      return (
        <div className="scribe-entry">
          <p className="scribe-note">{t.transcript.gap(entry.gap)}</p>
        </div>
      );
    case "break":
      return (
        <div className="scribe-entry">
          <p className={`scribe-note${entry.break_.missingSeconds === 0 ? " scribe-mended" : ""}`}>
            <span aria-hidden="true">↻ </span>
            {t.transcript.mended(entry.break_)}
          </p>
        </div>
      );
  }
});
