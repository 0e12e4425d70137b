/** Stretches that get no final: those that may yet be sent again, and those lost for certain. Pure. */

/** Frames [from, to) of the client's timeline. */
export interface FrameRange {
  from: number;
  to: number;
}

export interface LostRange extends FrameRange {
  reason: string;
}

interface Stretch extends LostRange {
  /** Whether the client itself left it out, so that no final of this session can cover it. */
  isSkipped: boolean;
}

/**
 * Nothing is told of a stretch while finals for what lies before it are awaited: one of them may
 * cover a part of it, and a line that breaks may change how much is lost.
 */
export class LostRanges {
  private covered = 0;
  private stretches: Stretch[] = [];

  /** Before it everything has its final, or is lost. */
  get end(): number {
    return this.covered;
  }

  /** Not told yet, in frames that no final has covered so far. */
  get pending(): FrameRange[] {
    return this.stretches.map(({ from, to }) => ({ from: Math.max(from, this.covered), to }));
  }

  /** The relay says that it left these frames out; they are lost once it covers what follows. */
  leaveOut(from: number, to: number, reason: string): void {
    this.add({ from, to, reason, isSkipped: false });
  }

  /** These frames were never sent; they are lost once all before them has its final. */
  skip(from: number, to: number, reason: string): void {
    this.add({ from, to, reason, isSkipped: true });
  }

  /** Everything from `frame` on is sent again, as far as it is there. */
  rewind(frame: number): void {
    this.stretches = this.stretches.filter(({ to }) => to <= frame);
  }

  /** All before `frame` has its final; returns what is lost by now, touching stretches as one. */
  cover(frame: number): LostRange[] {
    const before = this.covered;
    this.covered = Math.max(before, frame);
    const lost: LostRange[] = [];
    const rest: Stretch[] = [];
    for (const stretch of this.stretches) {
      const { from, to, reason, isSkipped } = stretch;
      if ((isSkipped ? from : to) > this.covered) {
        rest.push(stretch);
        continue;
      }
      // A final that comes again may end within what isn't there any more.
      const begin = Math.max(from, this.covered < to ? this.covered : before);
      const last = lost.at(-1);
      if (last !== undefined && begin <= last.to) last.to = Math.max(last.to, to);
      else if (begin < to) lost.push({ from: begin, to, reason });
      this.covered = Math.max(this.covered, to);
    }
    this.stretches = rest;
    return lost;
  }

  private add(stretch: Stretch): void {
    if (stretch.to <= this.covered) return;
    this.stretches = [...this.stretches, stretch].sort((a, b) => a.from - b.from);
  }
}
