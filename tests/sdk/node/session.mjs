/**
 * One session: `session.mjs WAY URL KEY FILE`. Each call of a handler is written as a line of JSON.
 *
 * The way `chunks` sends the samples of a raw file and commits them; the way `url` lets the SDK read
 * an audio file, commit and close.
 */

import { readFileSync } from "node:fs";

import { AudioFormat, ElevenLabsClient, RealtimeEvents } from "@elevenlabs/elevenlabs-js";

const RATE = 16_000;
const CHUNK_BYTES = RATE / 5; // a tenth of a second

const [way, relayUrl, relayKey, file] = process.argv.slice(2);

const client = new ElevenLabsClient({
  apiKey: relayKey,
  baseUrl: relayUrl,
});

const options =
  way === "url" ? { url: file } : { audioFormat: AudioFormat.PCM_16000, sampleRate: RATE };

const connection = await client.speechToText.realtime.connect({
  modelId: "scribe_v2_realtime",
  ...options,
});

for (const kind of new Set(Object.values(RealtimeEvents))) {
  connection.on(kind, (message) => console.log(JSON.stringify([kind, message?.text ?? ""])));
}

if (way === "chunks") {
  connection.on(RealtimeEvents.SESSION_STARTED, () => {
    const samples = readFileSync(file);
    for (let start = 0; start < samples.length; start += CHUNK_BYTES) {
      const chunk = samples.subarray(start, start + CHUNK_BYTES);
      connection.send({ audioBase64: chunk.toString("base64") });
    }
    connection.commit();
  });
  connection.on(RealtimeEvents.COMMITTED_TRANSCRIPT, () => connection.close());
}
