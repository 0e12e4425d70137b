import { useState } from "react";

import { isRecording, type RecordingSnapshot } from "../../recording/RecordingSnapshot";
import type { Texts } from "../../texts";
import { Menu } from "./Menu";
import type { Preferences, Processing } from "./preferences";

interface ChoicesProps {
  snapshot: RecordingSnapshot;
  preferences: Preferences;
  /** Undefined: whatever the system prefers. */
  deviceId: string | undefined;
  t: Texts;
  onChooseLanguage: (languageCode: string) => void;
  onProcess: (changed: Partial<Processing>) => void;
  onMute: () => void;
  onChooseDevice: (deviceId: string | undefined) => void;
}

const PROCESSING = ["echoCancellation", "noiseSuppression", "autoGainControl"] as const;

/** With what is listened, and in which language. */
export function Choices(props: ChoicesProps) {
  const { snapshot, preferences, deviceId, t } = props;
  const isOn = isRecording(snapshot);
  // Before the permission is given, devices have neither names nor ids to choose by.
  const devices = snapshot.devices.filter(
    (device) => device.deviceId !== "" && device.label !== "",
  );
  return (
    <div className="choices">
      <label className="choice">
        <span className="vh">{t.microphone.choice}</span>
        <select
          value={devices.some((device) => device.deviceId === deviceId) ? deviceId : ""}
          onChange={(event) => props.onChooseDevice(event.target.value || undefined)}
        >
          <option value="">{t.microphone.system}</option>
          {devices
            .filter((device) => device.deviceId !== "default")
            .map((device) => (
              <option key={device.deviceId} value={device.deviceId}>
                {device.label}
              </option>
            ))}
        </select>
      </label>
      <label className="choice">
        <span className="vh">{t.speechLanguage.choice}</span>
        <select
          value={preferences.languageCode}
          disabled={isOn}
          title={isOn ? t.speechLanguage.nextTime : undefined}
          onChange={(event) => props.onChooseLanguage(event.target.value)}
        >
          {t.speechLanguages.map(({ code, name }) => (
            <option key={code} value={code}>
              {name}
            </option>
          ))}
        </select>
      </label>
      <Menu label={t.microphone.settings} className="from-start">
        {PROCESSING.map((name) => (
          <ProcessingChoice
            // Anew with each recording, whose microphone follows what is wanted then.
            key={`${name} ${isOn}`}
            label={t.microphone[name]}
            isWanted={preferences[name]}
            applied={snapshot.applied?.[name] ?? null}
            isKnown={isOn && snapshot.applied !== null}
            t={t}
            onChange={(isWanted) => props.onProcess({ [name]: isWanted })}
          />
        ))}
        {snapshot.applied !== null && (
          <p className="note">{t.microphone.applied(snapshot.applied)}</p>
        )}
      </Menu>
      <button type="button" disabled={!isOn} onClick={props.onMute}>
        {snapshot.isMuted ? t.record.unmute : t.record.mute}
      </button>
    </div>
  );
}

interface ProcessingChoiceProps {
  label: string;
  isWanted: boolean;
  /** What the browser did; null if it doesn't say. */
  applied: boolean | null;
  isKnown: boolean;
  t: Texts;
  onChange: (isWanted: boolean) => void;
}

/** One kind of processing: what is wanted, and a word if the browser did otherwise. */
function ProcessingChoice(props: ProcessingChoiceProps) {
  const { label, isWanted, applied, isKnown, t, onChange } = props;
  const [hasSwitched, setHasSwitched] = useState(false);
  return (
    <label className="check">
      <input
        type="checkbox"
        checked={isWanted}
        onChange={(event) => {
          setHasSwitched(isKnown);
          onChange(event.target.checked);
        }}
      />
      <span>
        {label}
        {isKnown && applied !== isWanted && (
          <small className="note"> {t.microphone.notApplied(applied, hasSwitched)}</small>
        )}
      </span>
    </label>
  );
}
