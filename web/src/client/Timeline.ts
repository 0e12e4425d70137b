/** The client's one clock: frames since the first, and seconds. Pure. */

interface Piece {
  frame: number;
  seconds: number;
  rate: number;
}

/**
 * A piecewise map between frames and seconds, since the rate changes when the device does.
 * It goes on beyond the last frame. A look-up costs as much as there were changes.
 */
export class Timeline {
  private readonly pieces: [Piece, ...Piece[]];

  /** `rate` in Hz, of the first samples. */
  constructor(rate: number) {
    this.pieces = [{ frame: 0, seconds: 0, rate }];
  }

  /** From `frame` on, samples come at `rate` Hz. Frames never fall. */
  changeRate(rate: number, frame: number): void {
    const piece = { frame, seconds: this.secondsAt(frame), rate };
    // A piece without frames would say nothing, and devices may change back and forth in silence.
    if (this.pieces.at(-1)?.frame === frame) this.pieces.pop();
    this.pieces.push(piece);
  }

  /** Rate of the sample at `frame`, in Hz. */
  rateAt(frame: number): number {
    return this.pieceWhere((piece) => piece.frame <= frame).rate;
  }

  /** Seconds from the first sample to where `frame` begins. */
  secondsAt(frame: number): number {
    const piece = this.pieceWhere((candidate) => candidate.frame <= frame);
    return piece.seconds + (frame - piece.frame) / piece.rate;
  }

  private pieceWhere(begins: (piece: Piece) => boolean): Piece {
    return this.pieces.findLast(begins) ?? this.pieces[0];
  }
}
