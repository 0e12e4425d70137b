// Such a relay in Node, with `ws` and a resampler in WebAssembly: `relay.mjs UPSTREAM_URL CA_FILE`.
import { readFileSync } from 'node:fs';
import process from 'node:process';
import speex from 'speex-resampler';
import { WebSocket, WebSocketServer } from 'ws';

const Resampler = speex.default ?? speex;
// 5 of 10: half the price of 7, its default, and good enough for speech.
const QUALITY = 5;
const [upstreamUrl, caFile] = process.argv.slice(2);
const ca = readFileSync(caFile);
await Resampler.initPromise;

function chunk(audio, commit) {
  return JSON.stringify({
    message_type: 'input_audio_chunk',
    audio_base_64: audio,
    commit,
    sample_rate: 16000,
  });
}

function toInt16(message) {
  // What arrives may begin at any byte of its memory.
  const copy = message.byteOffset % 4 ? new Uint8Array(message) : message;
  const frames = new Float32Array(copy.buffer, copy.byteOffset, copy.byteLength / 4);
  const samples = new Int16Array(frames.length);
  for (let i = 0; i < frames.length; i += 1) {
    samples[i] = Math.max(-1, Math.min(1, frames[i])) * 32767;
  }
  return Buffer.from(samples.buffer);
}

const server = new WebSocketServer({
  host: '127.0.0.1',
  port: 0,
  perMessageDeflate: false,
  backlog: 1024,
});

server.on('connection', (client) => {
  const resampler = new Resampler(1, 48000, 16000, QUALITY);
  const upstream = new WebSocket(upstreamUrl, { ca, perMessageDeflate: false });
  let waiting = [];
  const send = (message) => (waiting ? waiting.push(message) : upstream.send(message));
  upstream.on('open', () => {
    for (const message of waiting) upstream.send(message);
    waiting = null;
  });
  upstream.on('message', (message) => client.send(message, { binary: false }));
  upstream.on('close', () => client.close());
  upstream.on('error', () => client.close());
  client.on('close', () => upstream.terminate());
  client.on('error', () => upstream.terminate());
  client.on('message', (message, isBinary) => {
    if (isBinary) {
      const audio = resampler.processChunk(toInt16(message));
      if (audio.length) send(chunk(audio.toString('base64'), false));
    } else {
      send(chunk('', true));
    }
  });
});

server.on('listening', () => process.stdout.write(`${server.address().port}\n`));
