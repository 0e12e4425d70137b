/** An application that uses the package as its users do. The test builds and serves it. */

import { RelayClient, segmentsOf, type CredentialProvider } from "@scribe-relay/client";
import workletUrl from "@scribe-relay/client/capture.worklet.js?url&no-inline";
import { ScribeRecorder, useScribeRecording } from "@scribe-relay/client/react";
import "@scribe-relay/client/react/styles.css";
import { StrictMode, useState } from "react";
import { createRoot } from "react-dom/client";

const query = new URLSearchParams(location.search);
const url = query.get("relay") ?? "";
const tickets = (query.get("tickets") ?? "").split(",");
const credential: CredentialProvider = () => ({ ticket: tickets.shift() ?? "" });
const microphone = { workletUrl };

function Dictation() {
  const recording = useScribeRecording({ url, credential, microphone });
  const { isRecording, isConnected, startRecording, stopRecording } = recording;
  return (
    <section aria-label="Hook">
      <button onClick={() => void (isRecording ? stopRecording() : startRecording())}>
        {isRecording ? "Stop" : "Go"}
      </button>
      <p>
        {isConnected ? "connected" : recording.state}, {recording.stats.segments} segments,{" "}
        {segmentsOf(recording.snapshot.transcript).length} listed
      </p>
      <ol>
        {recording.committedTranscripts.map(({ index, text }) => (
          <li key={index}>{text}</li>
        ))}
      </ol>
      {recording.error !== null && <p role="alert">{recording.error.kind}</p>}
    </section>
  );
}

/** A second of silence that no microphone gave, through the client alone. */
async function sendSecond(): Promise<string> {
  const client = new RelayClient({ url, sampleRate: 16_000, credential });
  client.connect();
  client.send(new Float32Array(16_000));
  const summary = await client.stop();
  return `${summary?.reason}, ${summary?.audioMs} ms`;
}

function Samples() {
  const [summary, setSummary] = useState("");
  return (
    <section aria-label="Client">
      <button onClick={() => void sendSecond().then(setSummary)}>Send</button>
      <p>{summary}</p>
    </section>
  );
}

const root = document.getElementById("root");
if (root !== null) {
  createRoot(root).render(
    <StrictMode>
      <Dictation />
      <Samples />
      <ScribeRecorder {...{ url, credential, microphone }} language="ru" />
    </StrictMode>,
  );
}
