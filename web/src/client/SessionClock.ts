/** One relay session's frames and seconds, as the client's. Pure. */

import type { Timeline } from "./Timeline";

interface Piece {
  /** Of the relay's session. */
  sample: number;
  sessionSeconds: number;
  /** On the client's timeline. */
  frame: number;
  seconds: number;
}

/** Times closer than this are the same: the relay's own are rounded to it. */
const MILLISECONDS = 1000;

/**
 * A relay's session counts from 0 wherever on the client's timeline it begins, and it never counts
 * what was lost before it could be sent. This moves its positions to the client's timeline.
 */
export class SessionClock {
  private readonly pieces: [Piece, ...Piece[]];
  private readonly timeline: Timeline;

  /** The session's first sample is the client's `frame`. */
  constructor(timeline: Timeline, frame: number) {
    this.timeline = timeline;
    const seconds = timeline.secondsAt(frame);
    this.pieces = [{ sample: 0, sessionSeconds: 0, frame, seconds }];
  }

  /** The client's frames [from, to) are never sent to this session. */
  skip(from: number, to: number): void {
    const last = this.pieces.at(-1) ?? this.pieces[0];
    const { timeline } = this;
    this.pieces.push({
      sample: last.sample + (from - last.frame),
      sessionSeconds: last.sessionSeconds + (timeline.secondsAt(from) - last.seconds),
      frame: to,
      seconds: timeline.secondsAt(to),
    });
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

  /** Seconds on the client's timeline, to the millisecond; for word times. */
  secondsAt(sessionSeconds: number): number {
    const piece =
      this.pieces.findLast((candidate) => candidate.sessionSeconds <= sessionSeconds) ??
      this.pieces[0];
    const seconds = piece.seconds + (sessionSeconds - piece.sessionSeconds);
    return Math.round(seconds * MILLISECONDS) / MILLISECONDS;
  }
}
