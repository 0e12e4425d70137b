/** What this browser remembers of its user's choices; the microphone remembers its own. */

const KEY = "scribe-relay.recorder";

/** What the browser does to the sound before it is sent. */
export interface Processing {
  echoCancellation: boolean;
  noiseSuppression: boolean;
  autoGainControl: boolean;
}

export interface Preferences extends Processing {
  /** Empty: the model finds out. */
  languageCode: string;
}

const DEFAULTS: Preferences = {
  languageCode: "",
  echoCancellation: false,
  noiseSuppression: false,
  autoGainControl: false,
};

export function readPreferences(): Preferences {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(KEY) ?? "{}");
    return typeof stored === "object" ? sane({ ...DEFAULTS, ...stored }) : DEFAULTS;
  } catch {
    return DEFAULTS; // storage is forbidden, or holds something else
  }
}

export function keepPreferences(preferences: Preferences): void {
  try {
    localStorage.setItem(KEY, JSON.stringify(preferences));
  } catch {
    // They hold until the page is left.
  }
}

/** Whatever was stored, the types are right. */
function sane(stored: Record<keyof Preferences, unknown>): Preferences {
  const { languageCode } = stored;
  return {
    languageCode: typeof languageCode === "string" ? languageCode : DEFAULTS.languageCode,
    echoCancellation: stored.echoCancellation === true,
    noiseSuppression: stored.noiseSuppression === true,
    autoGainControl: stored.autoGainControl === true,
  };
}
