import { type Refusal, type Support } from "./microphoneProblem";
import type { WakeLockSource } from "./WakeLock";

/** What a microphone uses of the browser; undefined is what this browser lacks. */
export interface MicrophoneBrowser {
  isSecureContext: boolean;
  document: Document;
  mediaDevices: MediaDevices | undefined;
  permissions: Permissions | undefined;
  wakeLock: WakeLockSource | undefined;
  AudioContext: typeof AudioContext | undefined;
  AudioWorkletNode: typeof AudioWorkletNode | undefined;
  /** Whether a file's server answers at all, whatever it says. */
  canReach: (url: string) => Promise<boolean>;
}

/** The types of the DOM library promise more than old browsers and insecure pages have. */
type Absent<Api, Name extends keyof Api> = Omit<Api, Name> & Partial<Pick<Api, Name>>;

/** Chromium's name for it, and the specification's. */
interface PolicyDocument {
  featurePolicy?: { allowsFeature(feature: string): boolean };
  permissionsPolicy?: { allowsFeature(feature: string): boolean };
}

/** The browser this page runs in. */
export function thisBrowser(): MicrophoneBrowser {
  const page: Absent<typeof globalThis, "AudioContext" | "AudioWorkletNode"> = globalThis;
  const device: Absent<Navigator, "mediaDevices" | "permissions" | "wakeLock"> = navigator;
  return {
    isSecureContext: page.isSecureContext,
    document: page.document,
    mediaDevices: device.mediaDevices,
    permissions: device.permissions,
    wakeLock: device.wakeLock,
    AudioContext: page.AudioContext,
    AudioWorkletNode: page.AudioWorkletNode,
    canReach: (url) => fetch(url, { method: "HEAD" }).then(yes, no),
  };
}

const yes = () => true;
const no = () => false;

export function supportOf(browser: MicrophoneBrowser): Support {
  return {
    isSecureContext: browser.isSecureContext,
    hasMediaDevices: browser.mediaDevices !== undefined,
    hasAudioWorklet: browser.AudioContext !== undefined && browser.AudioWorkletNode !== undefined,
  };
}

/** Ask the browser why it may have refused. */
export async function refusalOf(browser: MicrophoneBrowser): Promise<Refusal> {
  const { featurePolicy, permissionsPolicy } = browser.document as Document & PolicyDocument;
  const policy = permissionsPolicy ?? featurePolicy;
  return {
    isAllowedByPolicy: policy?.allowsFeature("microphone") ?? null,
    permission: await microphonePermission(browser.permissions),
  };
}

async function microphonePermission(
  permissions: Permissions | undefined,
): Promise<PermissionState | null> {
  try {
    return (await permissions?.query({ name: "microphone" }))?.state ?? null;
  } catch {
    // Browsers that know the API, but not this name, throw a TypeError.
    return null;
  }
}
