/** What a React application uses; `@scribe-relay/client` has the parts below it. */
export { ScribeRecorder, type ScribeRecorderProps } from "./ScribeRecorder";
export {
  useScribeRecording,
  type ScribeRecording,
  type ScribeRecordingOptions,
} from "./useScribeRecording";
