import type { RelayClientOptions } from "../client/RelayClient";
import type { MicrophoneOptions } from "../audio/types";

/** What a recording needs to know; each part is optional, and all of it can change between starts. */
export interface RecordingOptions {
  /** The relay's origin; the page's own by default. */
  url?: string | URL | undefined;
  /** Scribe's model; the relay's default if not given. */
  modelId?: string | undefined;
  /** ISO 639-1 or 639-3; detected by the model if not given. */
  languageCode?: string | undefined;
  /** Who ends segments: `vad` (default), the relay at pauses; or `manual`, `commit()`. */
  commitStrategy?: "manual" | "vad" | undefined;
  /**
   * The rate that the session announces, in Hz; the device's own by default. What is sent always
   * has the device's rate: where the two differ, the client says so before the first samples.
   */
  sampleRate?: number | undefined;
  /** Word times; true by default. */
  includeTimestamps?: boolean | undefined;
  includeLanguageDetection?: boolean | undefined;
  /** Any other parameter of Scribe's, by its own name. */
  parameters?: RelayClientOptions["parameters"];
  /** Gets a ticket for every session that begins; not needed on the relay's own pages. */
  credential?: RelayClientOptions["credential"];
  /** When to connect again; by default as long as the recording lasts. */
  reconnect?: RelayClientOptions["reconnect"];
  /** How much is kept while there is no connection, in seconds; 300 by default and at most. */
  ringSeconds?: number | undefined;
  /** Which microphone, and how it is listened to. */
  microphone?: MicrophoneOptions | undefined;
  /** Whether segments are collected; a screen that forgets has no use for hours of them. */
  keepsTranscript?: boolean | undefined;
}
