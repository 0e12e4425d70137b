/** A page with `useScribe`, which commits at a button; `heard` is all that it was told. */

import { useScribe } from "@elevenlabs/react";
import { createRoot } from "react-dom/client";

const query = new URLSearchParams(location.search);
const relayUrl = query.get("relay");
const token = query.get("token");

const heard = (window.heard = []);

function Dictation() {
  const scribe = useScribe({
    baseUri: relayUrl,
    modelId: "scribe_v2_realtime",
    microphone: {},
    onSessionStarted: () => heard.push(["session_started", ""]),
    onPartialTranscript: ({ text }) => heard.push(["partial_transcript", text]),
    onCommittedTranscript: ({ text }) => heard.push(["committed_transcript", text]),
    onError: () => heard.push(["error", ""]),
    onDisconnect: () => heard.push(["close", ""]),
  });
  return (
    <>
      <button onClick={() => scribe.connect({ token })}>Start</button>
      <button onClick={scribe.commit}>Commit</button>
      <button onClick={scribe.disconnect}>Stop</button>
      <p role="status">{scribe.status}</p>
      <p role="log">{scribe.partialTranscript}</p>
      <ul>
        {scribe.committedTranscripts.map(({ id, text }) => (
          <li key={id}>{text}</li>
        ))}
      </ul>
    </>
  );
}

createRoot(document.getElementById("root")).render(<Dictation />);
