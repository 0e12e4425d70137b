/** Everything that is public, without React. */

export { listAudioInputs, rememberDevice, rememberedDevice } from "./audio/devices";
export { measureLevel } from "./audio/level";
export { Microphone, MicrophoneError } from "./audio/Microphone";
export type {
  AppliedAudio,
  AudioDevice,
  Level,
  MicrophoneEvents,
  MicrophoneOptions,
} from "./audio/types";
export type { Problem, ProblemKind } from "./client/problems";
export {
  defaultReconnectPolicy,
  persistentReconnectPolicy,
  type ReconnectContext,
  type ReconnectPolicy,
} from "./client/ReconnectPolicy";
export { RelayClient, type RelayClientOptions } from "./client/RelayClient";
export { RelayClientError } from "./client/RelayClientError";
export type {
  Break,
  ClientEvents,
  ClientState,
  CommitCause,
  Credential,
  CredentialProvider,
  CredentialRequest,
  Gap,
  Latency,
  Segment,
  SessionSummary,
  Word,
} from "./client/types";
export { Recording, type RecordingEvents } from "./recording/Recording";
export type { RecordingOptions } from "./recording/RecordingOptions";
export {
  isConnected,
  isRecording,
  type RecordingSnapshot,
  type RecordingState,
} from "./recording/RecordingSnapshot";
export { texts, type Language, type Remedy, type Texts } from "./texts";
export { fileName, FORMATS, MEDIA_TYPES, toJson, toSrt, toTxt, toVtt } from "./transcript/formats";
export type { Format, TranscriptFile } from "./transcript/formats";
export type { Statistics } from "./transcript/statistics";
export { segmentsOf, type Entry, type Transcript } from "./transcript/Transcript";
