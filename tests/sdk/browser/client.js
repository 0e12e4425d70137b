/** A page with `Scribe.connect`; `heard` is all that it was told. */

import { CommitStrategy, RealtimeEvents, Scribe } from "@elevenlabs/client";

const query = new URLSearchParams(location.search);
const relayUrl = query.get("relay");
const token = query.get("token");

const heard = (window.heard = []);

function start() {
  const connection = Scribe.connect({
    token,
    baseUri: relayUrl,
    modelId: "scribe_v2_realtime",
    commitStrategy: CommitStrategy.VAD,
    vadSilenceThresholdSecs: 0.5,
    // So that what arrives can be compared with what was said.
    microphone: { echoCancellation: false, noiseSuppression: false, autoGainControl: false },
  });
  for (const kind of new Set(Object.values(RealtimeEvents))) {
    connection.on(kind, (message) => heard.push([kind, message?.text ?? ""]));
  }
  window.stop = () => connection.close();
}

document.getElementById("start").addEventListener("click", start);
