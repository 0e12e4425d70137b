import { useEffect, useState } from "react";
import { createPortal } from "react-dom";

import { rememberDevice, rememberedDevice } from "../../audio/devices";
import { ProblemNotice } from "../../react/parts/ProblemNotice";
import { RecordButton } from "../../react/parts/RecordButton";
import { RecordedNotice } from "../../react/parts/RecordedNotice";
import { StatePill } from "../../react/parts/StatePill";
import { TranscriptView } from "../../react/parts/TranscriptView";
import { Waveform } from "../../react/parts/Waveform";
import { useFollow } from "../../react/useFollow";
import { useRecording } from "../../react/useRecording";
import type { RecordingOptions } from "../../recording/RecordingOptions";
import { isRecording } from "../../recording/RecordingSnapshot";
import type { Texts } from "../../texts";
import { workletUrl } from "../worklet";
import { Announcer } from "./Announcer";
import { ClearButton } from "./ClearButton";
import { Choices } from "./Choices";
import { LevelMeter } from "./LevelMeter";
import { keepPreferences, readPreferences, type Preferences, type Processing } from "./preferences";
import { applyRemedy } from "./remedy";
import { Results } from "./Results";
import { useLeaveGuard } from "./useLeaveGuard";
import { useShortcuts } from "./useShortcuts";

/** The recorder: the transcript, and at its foot what one listens with and what one does. */
export function RecorderPage({ t }: { t: Texts }) {
  const [preferences, setPreferences] = useState(readPreferences);
  const [deviceId, setDeviceId] = useState(rememberedDevice);
  const [recording, snapshot] = useRecording(optionsFor(preferences, deviceId));
  const { ref, isFollowing, toNewest } = useFollow(snapshot.transcript);
  const isOn = isRecording(snapshot);
  const isEmpty = snapshot.transcript.entries.length === 0 && snapshot.transcript.partial === "";

  useEffect(() => keepPreferences(preferences), [preferences]);
  useLeaveGuard(snapshot.state !== "idle");

  const toggle = () => void (isOn ? recording.stop() : recording.start());
  const toggleMute = () => (snapshot.isMuted ? recording.unmute() : recording.mute());
  useShortcuts({ Space: toggle, KeyM: toggleMute });

  const process = (changed: Partial<Processing>) => {
    setPreferences((known) => ({ ...known, ...changed }));
    void recording.useMicrophone(changed);
  };
  const chooseDevice = (chosen: string | undefined) => {
    rememberDevice(chosen);
    setDeviceId(chosen);
    void recording.useMicrophone({ deviceId: chosen });
  };

  return (
    <>
      <Status>
        <StatePill snapshot={snapshot} t={t} />
      </Status>
      <div className="sheet" ref={ref} tabIndex={0} role="region" aria-label={t.transcript.label}>
        {isEmpty && !isOn && <p className="invitation">{t.transcript.empty}</p>}
        {(isOn || !isEmpty) && (
          <TranscriptView transcript={snapshot.transcript} isRecording={isOn} t={t} />
        )}
        {!isEmpty && snapshot.state === "idle" && (
          <ClearButton onClear={() => recording.clear()} t={t} />
        )}
        {!isFollowing && (
          <button type="button" className="newest" onClick={toNewest}>
            {t.transcript.newest}
          </button>
        )}
      </div>
      <div className="dock">
        {snapshot.problem !== null && (
          <ProblemNotice
            problem={snapshot.problem}
            t={t}
            onAct={(problem) => applyRemedy(problem, recording)}
          />
        )}
        <RecordedNotice {...{ snapshot, t }} />
        <Waveform recording={recording} />
        <LevelMeter recording={recording} t={t} />
        <div className="controls">
          <Choices
            {...{ snapshot, preferences, deviceId, t }}
            onMute={toggleMute}
            onChooseLanguage={(languageCode) =>
              setPreferences((known) => ({ ...known, languageCode }))
            }
            onProcess={process}
            onChooseDevice={chooseDevice}
          />
          <div className="record">
            <RecordButton {...{ snapshot, t }} onStart={toggle} onStop={toggle} />
          </div>
          <Results {...{ recording, snapshot, t }} />
        </div>
        <p className="hints">
          <kbd>{t.keys.space}</kbd> {t.keys.toggle} · <kbd>M</kbd> {t.keys.mute}
        </p>
      </div>
      <Announcer snapshot={snapshot} t={t} />
    </>
  );
}

/** The pill stands in the head of the page, which the relay wrote. */
function Status({ children }: { children: React.ReactNode }) {
  const place = document.getElementById("status");
  return place === null ? null : createPortal(children, place);
}

function optionsFor(preferences: Preferences, deviceId: string | undefined): RecordingOptions {
  const { languageCode, ...processing } = preferences;
  return {
    languageCode: languageCode || undefined,
    microphone: { ...processing, deviceId, workletUrl },
  };
}
