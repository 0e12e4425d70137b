import { useState } from "react";

import { StatisticsView } from "../../react/parts/StatisticsView";
import { useSeconds } from "../../react/useSeconds";
import type { Recording } from "../../recording/Recording";
import type { RecordingSnapshot } from "../../recording/RecordingSnapshot";
import type { Texts } from "../../texts";
import { FORMATS } from "../../transcript/formats";
import { download, plainText } from "./download";
import { Menu } from "./Menu";

interface ResultsProps {
  recording: Recording;
  snapshot: RecordingSnapshot;
  t: Texts;
}

/** How long "Copied" stands on the button, in milliseconds. */
const COPIED_MS = 2_000;

/** The figures, and what one takes away. */
export function Results({ recording, snapshot, t }: ResultsProps) {
  const seconds = useSeconds(recording);
  const { transcript, statistics } = snapshot;
  const isEmpty = transcript.entries.length === 0;
  return (
    <div className="results">
      <StatisticsView statistics={statistics} seconds={seconds} t={t} />
      {!isEmpty && (
        <>
          <CopyButton text={() => plainText(transcript, t)} t={t} />
          <Menu label={t.download.label}>
            {FORMATS.map((format) => (
              <button
                key={format}
                type="button"
                onClick={() => download(transcript, format, t, new Date())}
              >
                {t.download.formats[format]}
              </button>
            ))}
          </Menu>
        </>
      )}
    </div>
  );
}

function CopyButton({ text, t }: { text: () => string; t: Texts }) {
  const [label, setLabel] = useState(t.copy.label);
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(text());
      setLabel(t.copy.done);
    } catch {
      setLabel(t.copy.failed);
    }
    setTimeout(() => setLabel(t.copy.label), COPIED_MS);
  };
  return (
    <button type="button" onClick={() => void copy()}>
      <span aria-live="polite">{label}</span>
    </button>
  );
}
