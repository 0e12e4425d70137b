/** Which microphones there are, and which one was chosen last. */

import type { AudioDevice } from "./types";

/** The one key in localStorage. */
export const DEVICE_KEY = "scribe-relay.microphone";

/** All audio inputs; labels and ids are empty before the permission is given. */
export async function listAudioInputs(
  mediaDevices: Pick<MediaDevices, "enumerateDevices">,
): Promise<AudioDevice[]> {
  const devices = await mediaDevices.enumerateDevices();
  return devices
    .filter((device) => device.kind === "audioinput")
    .map(({ deviceId, label }) => ({ deviceId, label }));
}

/**
 * The device that was chosen last on this browser, if it is known.
 *
 * @param storage Called within a guard, since merely naming `localStorage` throws where it is forbidden.
 */
export function rememberedDevice(storage: () => Storage = browserStorage): string | undefined {
  try {
    return storage().getItem(DEVICE_KEY) ?? undefined;
  } catch {
    return undefined;
  }
}

/** Remember a choice, or forget it; where storage is forbidden or full nothing happens. */
export function rememberDevice(
  deviceId: string | undefined,
  storage: () => Storage = browserStorage,
): void {
  try {
    if (deviceId === undefined) storage().removeItem(DEVICE_KEY);
    else storage().setItem(DEVICE_KEY, deviceId);
  } catch {
    // The choice holds for this page, and is asked for again on the next.
  }
}

function browserStorage(): Storage {
  return localStorage;
}
