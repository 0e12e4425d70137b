import { useEffect, useRef } from "react";

import type { Problem } from "../../client/problems";
import { meterPosition } from "../../react/meterPosition";
import { RecordedNotice } from "../../react/parts/RecordedNotice";
import { StatePill } from "../../react/parts/StatePill";
import type { Recording } from "../../recording/Recording";
import { isRecording } from "../../recording/RecordingSnapshot";
import type { Texts } from "../../texts";
import type { KioskConfig } from "./KioskConfig";
import { useKiosk } from "./useKiosk";
import { noUtterances, type Utterances } from "./Utterances";

interface KioskPageProps {
  config: KioskConfig;
  t: Texts;
  /** Somebody speaks or reads. */
  onBusy: (isBusy: boolean) => void;
  /** The relay doesn't know this device any more. */
  onNotKnown: () => void;
}

/** What people at the device see: two utterances, one control. */
export function KioskPage({ config, t, onBusy, onNotKnown }: KioskPageProps) {
  const { recording, snapshot, utterances, toggle } = useKiosk(config);
  const isOn = isRecording(snapshot);
  const isBusy = utterances !== noUtterances || (isOn && !config.alwaysOn);
  const { problem } = snapshot;

  useEffect(() => {
    onBusy(isBusy);
    return () => onBusy(false);
  }, [isBusy, onBusy]);
  useEffect(() => {
    if (problem?.kind === "not_signed_in" || problem?.kind === "not_allowed") onNotKnown();
  }, [problem, onNotKnown]);
  useListeningClass();

  return (
    <>
      <header>
        <bdi>{config.name}</bdi>
        <StatePill snapshot={snapshot} t={t} live={t.kiosk.listening} />
      </header>
      <main>
        <h1 className="vh">{config.name}</h1>
        {problem === null ? (
          <UtterancesView utterances={utterances} />
        ) : (
          <Remedy problem={problem} t={t} />
        )}
      </main>
      <footer className="control">
        <RecordedNotice {...{ snapshot, t }} />
        {config.alwaysOn && problem?.kind !== "audio_blocked" ? (
          <Ring recording={recording} isListening={isOn} />
        ) : (
          <Control
            {...{ recording, isOn, t }}
            isStopping={snapshot.state === "stopping"}
            onPress={toggle}
          />
        )}
      </footer>
    </>
  );
}

function UtterancesView({ utterances }: { utterances: Utterances }) {
  const { previous, current, isOpen } = utterances;
  return (
    <div className="utterances">
      {previous !== "" && <p className="old">{previous}</p>}
      {current !== "" && (
        <p>
          {current}
          {isOpen && <span className="scribe-caret" />}
        </p>
      )}
      {/* What is being said changes too often to be read out; what was said is read once. */}
      <p className="vh" role="log">
        {isOpen ? "" : current}
      </p>
    </div>
  );
}

function Remedy({ problem, t }: { problem: Problem; t: Texts }) {
  const { title, text } = t.kiosk.remedy(problem);
  return (
    <div className="remedy" role="alert" data-problem={problem.kind}>
      <strong>{title}</strong>
      <p>{text}</p>
    </div>
  );
}

interface ControlProps {
  recording: Recording;
  isOn: boolean;
  isStopping: boolean;
  t: Texts;
  onPress: () => void;
}

/** The one control. It keeps the focus, so that a remote's button presses it wherever one was. */
function Control({ recording, isOn, isStopping, t, onPress }: ControlProps) {
  const button = useRef<HTMLButtonElement>(null);
  useLevelStyle(recording, button);
  useEffect(() => {
    const keep = () => button.current?.focus();
    keep();
    document.addEventListener("keydown", keep, { capture: true });
    return () => document.removeEventListener("keydown", keep, { capture: true });
  }, []);
  const press = () => {
    void fillScreen();
    onPress();
  };
  return (
    <>
      <button
        ref={button}
        type="button"
        className={isOn ? "ring is-listening" : "ring"}
        aria-pressed={isOn}
        aria-label={isOn ? t.kiosk.stop : t.kiosk.start}
        disabled={isStopping}
        onClick={press}
      >
        <Symbol isOn={isOn} />
      </button>
      <span className="cue" aria-hidden="true">
        {isOn ? t.kiosk.stop : t.kiosk.start}
      </span>
    </>
  );
}

/** A kiosk that listens always has nothing to press; the ring shows that it hears. */
function Ring({ recording, isListening }: { recording: Recording; isListening: boolean }) {
  const ring = useRef<HTMLDivElement>(null);
  useLevelStyle(recording, ring);
  return (
    <div ref={ring} className={isListening ? "ring is-listening" : "ring"} aria-hidden="true">
      <Symbol isOn={false} />
    </div>
  );
}

/** A microphone; a square to finish. */
function Symbol({ isOn }: { isOn: boolean }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden="true">
      {isOn ? (
        <rect x="5" y="5" width="14" height="14" rx="2" />
      ) : (
        <path d="M12 2a4 4 0 0 0-4 4v6a4 4 0 0 0 8 0V6a4 4 0 0 0-4-4ZM5 11a7 7 0 0 0 6 6.93V22h2v-4.07A7 7 0 0 0 19 11h-2a5 5 0 0 1-10 0Z" />
      )}
    </svg>
  );
}

/** Let the element's `--level` follow the loudness, without drawing anything anew. */
function useLevelStyle(recording: Recording, element: React.RefObject<HTMLElement | null>): void {
  useEffect(
    () =>
      recording.on("level", ({ rmsDbfs }) =>
        element.current?.style.setProperty("--level", meterPosition(rmsDbfs).toFixed(2)),
      ),
    [recording, element],
  );
}

/** While the script draws the page, it is as high as the screen, whatever is said. */
function useListeningClass(): void {
  useEffect(() => {
    document.body.classList.add("listening");
    return () => document.body.classList.remove("listening");
  }, []);
}

/** Browsers allow it in a press only, and some devices never. */
async function fillScreen(): Promise<void> {
  if (document.fullscreenElement !== null) return;
  try {
    await document.documentElement.requestFullscreen();
  } catch {
    // The page works in a window too.
  }
}
