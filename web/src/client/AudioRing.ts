/** What was said and may have to be said again. Pure. */

import { MAX_MESSAGE_BYTES } from "./protocol";

/**
 * Kept behind the cover point: a session that is resumed elsewhere begins at least 100 ms earlier, so
 * that the relay's filter has run in at the seam.
 */
const MARGIN_SECONDS = 0.25;

/**
 * A commit's final ends this much before the commit at most, since the relay's filter looks ahead.
 * Source: docs/topics/audio.md, 115 ms at 8 kHz, and some room.
 */
const FILTER_DELAY_SECONDS = 0.15;

const MAX_MESSAGE_FRAMES = MAX_MESSAGE_BYTES / Float32Array.BYTES_PER_ELEMENT;

export type MarkerKind = "commit" | "mute" | "unmute" | "stop";

interface Chunk {
  /** Its first frame. */
  frame: number;
  samples: Float32Array;
  rate: number;
  /** Seconds from the ring's first sample ever to its own first and behind its last. */
  startSeconds: number;
  endSeconds: number;
  /** When it was given, on the caller's clock. */
  givenAtMs: number;
}

interface Marker {
  kind: MarkerKind;
  /** It stands before this frame, and behind all audio before it. */
  frame: number;
  isSent: boolean;
}

/** What has to go out next. */
export type Entry =
  | { kind: "audio"; samples: Float32Array; rate: number }
  | { kind: "marker"; marker: MarkerKind }
  /** These frames were to be sent and are no longer there. */
  | { kind: "hole"; from: number; to: number };

/**
 * Audio and markers in the order in which they came, back to a little before the cover point:
 * everything before that has its final. Beyond the bound the oldest audio is dropped. A position
 * divides what was sent from what wasn't, and can be set back.
 */
export class AudioRing {
  private readonly boundSeconds: number;
  private chunks: Chunk[] = [];
  private markers: Marker[] = [];
  private endFrame = 0;
  private endSeconds = 0;
  private nextFrame = 0;
  /** Nothing is dropped before this frame is the next to send. */
  private heldUntil = 0;
  /** May be there, though it is more than the bound allows. */
  private heldSeconds = 0;

  /** Holds at most `boundSeconds`; at 48 kHz, five minutes are 58 MB. */
  constructor(boundSeconds: number) {
    this.boundSeconds = boundSeconds;
  }

  /** The earliest frame that is still there. */
  get start(): number {
    return this.chunks[0]?.frame ?? this.endFrame;
  }

  /** Frames ever said. */
  get end(): number {
    return this.endFrame;
  }

  /** The next frame to send. */
  get position(): number {
    return this.nextFrame;
  }

  /** Take in samples at `rate` Hz; they are kept, not copied. Messages too long are split. */
  append(samples: Float32Array, rate: number, givenAtMs: number): void {
    for (let first = 0; first < samples.length; first += MAX_MESSAGE_FRAMES) {
      this.appendChunk(samples.subarray(first, first + MAX_MESSAGE_FRAMES), rate, givenAtMs);
    }
    this.dropOldest();
  }

  /** Put a marker behind all that was said so far. */
  mark(kind: MarkerKind): void {
    const last = this.markers.at(-1);
    // Twice at one place is once, as long as nobody heard of the first.
    if (last?.kind === kind && last.frame === this.endFrame && !last.isSent) return;
    this.markers.push({ kind, frame: this.endFrame, isSent: false });
  }

  /** All before `frame` has its final: free what isn't needed any more. */
  cover(frame: number): void {
    this.markers = this.markers.filter((marker) => marker.frame >= frame);
    if (frame <= this.start) return;
    const chunk = this.chunkAt(frame);
    const seconds = chunk === undefined ? this.endSeconds : secondsWithin(chunk, frame);
    const kept = this.chunks.findIndex((one) => one.endSeconds > seconds - MARGIN_SECONDS);
    this.chunks.splice(0, kept === -1 ? this.chunks.length : kept);
    this.heldSeconds = Math.min(this.heldSeconds, this.seconds);
  }

  /** Drop nothing until `resume` or `release`: the relay is told what is there, and asks for it. */
  hold(): void {
    this.heldUntil = Infinity;
  }

  /** Send everything from `frame` on, which is what the relay asked for. */
  resume(frame: number): void {
    this.rewind(frame);
    // What the relay lets run through its filter isn't to be missing either.
    const rate = (this.chunkAt(frame) ?? this.chunks[0])?.rate ?? 0;
    this.heldUntil = Math.max(frame, this.start) + MARGIN_SECONDS * rate;
  }

  /** Hold no more than the bound allows. */
  release(): void {
    this.heldUntil = this.heldSeconds = 0;
  }

  /** A final that was asked for ends at `frame`: the commit that it answers isn't sent again. */
  answer(frame: number): void {
    const index = this.markers.findIndex(({ kind }) => kind === "commit" || kind === "mute");
    const marker = this.markers[index];
    if (marker?.isSent !== true) return;
    const rate = this.chunkAt(frame)?.rate ?? 1;
    // What lies further ahead was asked for later, and this final is of the relay's own leaving.
    if (marker.frame - frame <= FILTER_DELAY_SECONDS * rate) this.markers.splice(index, 1);
  }

  /** Send everything from `frame` on again, markers at it too. */
  rewind(frame: number): void {
    this.nextFrame = frame;
    for (const marker of this.markers) marker.isSent = marker.frame < frame;
  }

  /** A session that begins at `frame` has nothing before it that could be committed. */
  forgetMarkersAt(frame: number): void {
    this.markers = this.markers.filter(({ kind, frame: at }) => kind === "stop" || at > frame);
  }

  /** Take what has to go out next, or null. */
  next(): Entry | null {
    const marker = this.markers.find((one) => !one.isSent);
    if (marker !== undefined && marker.frame <= this.nextFrame) {
      marker.isSent = true;
      return { kind: "marker", marker: marker.kind };
    }
    if (this.nextFrame < this.start) return this.nextHole();
    const chunk = this.chunkAt(this.nextFrame);
    if (chunk === undefined) return null;
    const samples = chunk.samples.subarray(this.nextFrame - chunk.frame);
    this.nextFrame += samples.length;
    return { kind: "audio", samples, rate: chunk.rate };
  }

  /**
   * When the sample before `frame` was spoken, on the clock of `append`; null where it isn't kept.
   * A message is given when its last sample has been spoken.
   */
  spokenAtMs(frame: number): number | null {
    const chunk = this.chunkAt(frame - 1);
    if (chunk === undefined) return null;
    const behind = chunk.frame + chunk.samples.length - frame;
    return chunk.givenAtMs - (behind / chunk.rate) * 1000;
  }

  /** When the message with the sample before `frame` was given; null where it isn't kept. */
  givenAtMs(frame: number): number | null {
    return this.chunkAt(frame - 1)?.givenAtMs ?? null;
  }

  private get seconds(): number {
    return this.endSeconds - (this.chunks[0]?.startSeconds ?? this.endSeconds);
  }

  private appendChunk(samples: Float32Array, rate: number, givenAtMs: number): void {
    const startSeconds = this.endSeconds;
    const endSeconds = startSeconds + samples.length / rate;
    this.chunks.push({ frame: this.endFrame, samples, rate, startSeconds, endSeconds, givenAtMs });
    this.endFrame += samples.length;
    this.endSeconds = endSeconds;
  }

  private dropOldest(): void {
    if (this.nextFrame < this.heldUntil) {
      this.heldSeconds = this.seconds;
      return;
    }
    const earliest = this.endSeconds - Math.max(this.boundSeconds, this.heldSeconds);
    const kept = this.chunks.findIndex((chunk) => chunk.startSeconds >= earliest);
    // The newest stays, be the bound ever so short: it has had no chance to be sent.
    this.chunks.splice(0, kept === -1 ? this.chunks.length - 1 : kept);
  }

  private nextHole(): Entry {
    const from = this.nextFrame;
    this.nextFrame = this.start;
    return { kind: "hole", from, to: this.start };
  }

  /** By bisection: five minutes are thousands of chunks. */
  private chunkAt(frame: number): Chunk | undefined {
    let low = 0;
    let high = this.chunks.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const chunk = this.chunks[middle];
      if (chunk !== undefined && chunk.frame + chunk.samples.length <= frame) low = middle + 1;
      else high = middle;
    }
    const chunk = this.chunks[low];
    return chunk !== undefined && chunk.frame <= frame ? chunk : undefined;
  }
}

function secondsWithin(chunk: Chunk, frame: number): number {
  return chunk.startSeconds + (frame - chunk.frame) / chunk.rate;
}
