/** One relay session's frames and seconds, as the client's. Pure. */

import type { Timeline } from "./Timeline";

interface Piece {
  /** Of the relay's session. */
  sample: number;
  sessionSeconds: number;
  /** On the client's timeline. */
  frame: number;
  seconds: number;
  /** Hz, of the last sample that the relay heard before. */
  rateBefore: number;
}

/** Times closer than this are the same: the relay rounds its own to the millisecond. */
const TOLERANCE_SECONDS = 0.0006;

/**
 * A relay's session counts from 0 wherever on the client's timeline it begins, and it never counts
 * what was lost before it could be sent. This moves its positions to the client's timeline.
 */
export class SessionClock {
  private pieces: [Piece, ...Piece[]];
  private readonly timeline: Timeline;

  /** The session's first sample is the client's `frame`, and was announced at `rate` Hz. */
  constructor(timeline: Timeline, frame: number, rate: number) {
    this.timeline = timeline;
    const seconds = timeline.secondsAt(frame);
    this.pieces = [{ sample: 0, sessionSeconds: 0, frame, seconds, rateBefore: rate }];
  }

  /** The client's frames [from, to) are never sent to this session. */
  skip(from: number, to: number): void {
    const sample = this.sampleAt(from);
    const [sessionSeconds, rateBefore] = [this.sessionSecondsAt(from), this.rateBefore(sample)];
    const seconds = this.timeline.secondsAt(to);
    const [first, ...others] = this.pieces;
    // What was sent behind it before a resume is sent anew, and may now be skipped as well.
    const kept = others.filter(({ frame }) => frame <= from);
    this.pieces = [first, ...kept, { sample, sessionSeconds, frame: to, seconds, rateBefore }];
  }

  /**
   * The relay has counted samples [from, to) without hearing them: at the rate of the last that it
   * heard, whatever the client's was meanwhile.
   */
  leaveOut(from: number, to: number): void {
    const [begin, frame] = [this.frameAt(from), this.frameAt(to)];
    const rateBefore = this.rateBefore(from);
    const sessionSeconds = this.sessionSecondsAt(begin) + (to - from) / rateBefore;
    const late = sessionSeconds - this.sessionSecondsAt(frame);
    const seconds = this.timeline.secondsAt(frame);
    const [first, ...others] = this.pieces;
    const before = others.filter(({ sample }) => sample < to);
    // The relay may tell late: what was skipped since then has its place behind this.
    const after = others.slice(before.length).map((piece) => ({
      ...piece,
      sessionSeconds: piece.sessionSeconds + late,
      rateBefore: piece.sample === to ? rateBefore : piece.rateBefore,
    }));
    const piece = { sample: to, sessionSeconds, frame, seconds, rateBefore };
    this.pieces = [first, ...before, piece, ...after];
  }

  /** The client's frame such that all before it is what the session has before `sample`. */
  frameAt(sample: number): number {
    // At a seam it is the frame before what was skipped: no audio of the far side is covered yet.
    const piece = this.pieces.findLast((candidate) => candidate.sample < sample) ?? this.pieces[0];
    return piece.frame + (sample - piece.sample);
  }

  /** The session's sample that is the client's `frame`, or the next one it gets. */
  sampleAt(frame: number): number {
    const index = this.pieces.findLastIndex((candidate) => candidate.frame <= frame);
    const piece = this.pieces[index];
    const following = this.pieces[index + 1];
    const sample = piece === undefined ? 0 : piece.sample + (frame - piece.frame);
    return following === undefined ? sample : Math.min(sample, following.sample);
  }

  /** Where a word begins, in seconds on the client's timeline, to the millisecond. */
  startAt(sessionSeconds: number): number {
    return this.secondsAt(sessionSeconds, sessionSeconds + TOLERANCE_SECONDS);
  }

  /** Where a word ends: at a seam that is before what was skipped, where a beginning is behind it. */
  endAt(sessionSeconds: number): number {
    return this.secondsAt(sessionSeconds, sessionSeconds - TOLERANCE_SECONDS);
  }

  /** By the last piece that begins before `bound`. */
  private secondsAt(sessionSeconds: number, bound: number): number {
    const piece =
      this.pieces.findLast((candidate) => candidate.sessionSeconds < bound) ?? this.pieces[0];
    const seconds = piece.seconds + Math.max(0, sessionSeconds - piece.sessionSeconds);
    return Math.round(seconds * 1000) / 1000;
  }

  /** The other way, for a frame that the session has. */
  private sessionSecondsAt(frame: number): number {
    const piece = this.pieces.findLast((candidate) => candidate.frame <= frame) ?? this.pieces[0];
    return piece.sessionSeconds + (this.timeline.secondsAt(frame) - piece.seconds);
  }

  /** In Hz: the rate that the relay goes on with at `sample`, unless it hears of another. */
  private rateBefore(sample: number): number {
    const piece = this.pieces.findLast((candidate) => candidate.sample <= sample) ?? this.pieces[0];
    const ahead = sample - piece.sample;
    return ahead > 0 ? this.timeline.rateAt(piece.frame + ahead - 1) : piece.rateBefore;
  }
}
