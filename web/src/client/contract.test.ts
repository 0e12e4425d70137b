/** The client in the recorded conversations of tests/contract, and the protocol's types. */

import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import written from "../../../tests/contract/protocol.json";
import { FakeWebSockets } from "../test/FakeWebSocket";
import { parseServerMessage } from "./parseServerMessage";
import { CloseCode, type ClientMessage } from "./protocol";
import { RelayClient } from "./RelayClient";
import type { ClientEvents, Segment } from "./types";

interface Audio {
  audio_frames: number;
  first_frame: number;
  sample_rate: number;
  with_nan?: boolean;
  sha256: string;
}

type Said = Audio | ClientMessage;
type Query = Readonly<Record<string, string>>;

/** tests/contract/README.md tells what each means. */
type Line =
  | { open: Query }
  | { client: Said }
  | { again: Said }
  | { relay: Record<string, unknown> & { message_type: string } }
  | { close: number }
  | { cut: true };

type Told = Record<"transcript" | "partials" | "warnings" | "problems" | "summary", unknown>;

const files = import.meta.glob<string>("../../../tests/contract/*.jsonl", {
  eager: true,
  query: "?raw",
  import: "default",
});

/** Conversations by name: what was said, and what the user must have been told. */
const conversations = Object.entries(files).map(([path, text]) => {
  const lines = text
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as unknown);
  const told = lines.pop() as Told;
  return { name: path.replace(/^.*\/|\.jsonl$/g, ""), lines: lines as Line[], told };
});

/** The samples that a line describes; exact, as every language makes them. */
function ramp({ first_frame, audio_frames, with_nan }: Audio): Float32Array {
  const samples = Float32Array.from(
    { length: audio_frames },
    (_, index) => (((first_frame + index) % 4001) - 2000) / 4096,
  );
  if (with_nan === true) samples[0] = NaN;
  return samples;
}

/** Of exactly the bytes that go out. */
async function digest(samples: Float32Array): Promise<string> {
  const { buffer, byteOffset, byteLength } = samples;
  const bytes = new Uint8Array(buffer, byteOffset, byteLength).slice();
  const hash = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...hash.subarray(0, 8)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

async function expectSamples(message: unknown, { audio_frames, sha256 }: Audio): Promise<void> {
  expect(message).toBeInstanceOf(Float32Array);
  const samples = message as Float32Array;
  expect({ audio_frames: samples.length, sha256: await digest(samples) }).toEqual({
    audio_frames,
    sha256,
  });
}

/** As the files have it: to the microsecond. */
function micro(seconds: number): number {
  return Math.round(seconds * 1e6) / 1e6;
}

/** Plays the relay of a conversation, and the page that uses the client. */
class Player {
  readonly client: RelayClient;
  private readonly sockets = new FakeWebSockets();
  private readonly segments: Segment[] = [];
  private readonly told: { name: keyof ClientEvents; value: unknown }[] = [];
  /** How many messages of the present socket the conversation has come to. */
  private read = 0;
  /** Said by the conversation, and by the client with the next samples. */
  private format: ClientMessage | null = null;

  constructor(query: Query) {
    const { commit_strategy, include_timestamps, sample_rate, ...parameters } = query;
    this.client = new RelayClient({
      ...{ url: "https://relay.example.org", sampleRate: Number(sample_rate), parameters },
      commitStrategy: commit_strategy === "manual" ? "manual" : "vad",
      includeTimestamps: include_timestamps === "true",
      createSocket: this.sockets.create,
      ...{ random: () => 0.5, now: () => Date.now() },
    });
    for (const name of ["partial", "warning", "problem", "ended"] as const) {
      this.client.on(name, (value) => void this.told.push({ name, value }));
    }
    this.client.on("segment", (segment) => (this.segments[segment.index] = segment));
    this.client.on("segmentTimed", (segment) => (this.segments[segment.index] = segment));
  }

  async play(line: Line): Promise<void> {
    if ("open" in line) this.open(line.open);
    else if ("client" in line) {
      this.use(line.client);
      await this.expectSent(line.client);
    } else if ("again" in line) await this.expectSent(line.again);
    else if ("relay" in line) this.sockets.last.receive(line.relay);
    else this.end("close" in line ? line.close : CloseCode.broken);
  }

  get everythingTold(): Told {
    const transcript = this.segments.map(({ words, startSeconds, endSeconds, ...segment }) => ({
      ...segment,
      ...{ startSeconds: micro(startSeconds), endSeconds: micro(endSeconds) },
      words: words?.map(({ text, start, end }) => [text, start, end]) ?? null,
    }));
    return {
      transcript,
      partials: this.values("partial"),
      warnings: this.values("warning"),
      problems: this.values("problem"),
      summary: this.values("ended").at(-1) ?? null,
    };
  }

  private values(name: keyof ClientEvents): unknown[] {
    return this.told.filter((event) => event.name === name).map(({ value }) => value);
  }

  private open(query: Query): void {
    if (this.client.state === "idle") this.client.connect();
    else vi.advanceTimersToNextTimer();
    this.read = 0;
    expect(Object.fromEntries(this.sockets.last.query)).toEqual(query);
    expect(this.sockets.last.protocols).toEqual(["scribe-relay.v1"]);
    this.sockets.last.open();
  }

  /** What the page does, where the client says something that isn't its own doing. */
  private use(said: Said): void {
    if ("audio_frames" in said) this.client.send(ramp(said), said.sample_rate);
    else if (said.message_type === "stop") void this.client.stop();
    else if (said.message_type !== "format") this.client[said.message_type]();
  }

  private async expectSent(said: Said): Promise<void> {
    // A new rate is said when the first samples of it are.
    if ("message_type" in said && said.message_type === "format") {
      this.format = said;
      return;
    }
    if (this.format !== null) expect(this.next()).toEqual(JSON.stringify(this.format));
    this.format = null;
    const message = this.next();
    if ("message_type" in said) expect(message).toEqual(JSON.stringify(said));
    else await expectSamples(message, said);
  }

  private next(): string | Float32Array | undefined {
    this.read += 1;
    return this.sockets.last.sent[this.read - 1];
  }

  private end(code: number): void {
    expect(this.sockets.last.sent.slice(this.read)).toEqual([]);
    this.sockets.last.drop(code);
  }
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("there are conversations", () => {
  expect(conversations.length).toBeGreaterThan(0);
});

test.each(conversations)("$name: says and tells what was recorded", async ({ lines, told }) => {
  const [first] = lines;
  if (first === undefined || !("open" in first)) throw new Error("it begins by connecting");
  const player = new Player(first.open);
  for (const line of lines) await player.play(line);
  expect(player.everythingTold).toEqual(told);
  player.client.close();
  expect(vi.getTimerCount()).toBe(0);
});

describe("the written protocol", () => {
  test("has no message of the relay's that isn't read, with all its fields", () => {
    const messages = { ...written.server_messages, ...written.failures };
    for (const message of Object.values(messages)) {
      expect(parseServerMessage(JSON.stringify(message))).toMatchObject(message);
    }
  });

  test("has the same messages of the client's as the types", () => {
    const known = { format: 0, commit: 0, stop: 0, mute: 0, unmute: 0 } satisfies Record<
      ClientMessage["message_type"],
      0
    >;
    expect(Object.keys(known).sort()).toEqual([...written.client_messages].sort());
  });

  test("has the same close codes as the table", () => {
    const { noStatus, ...sent } = CloseCode; // RFC 6455's own, for a frame without a code
    expect(noStatus).toBe(1005);
    expect(Object.values(sent).sort()).toEqual(Object.values(written.close_codes).sort());
  });
});
