/** Stretches that are lost for certain, each told once. Pure. */

/** Frames [from, to) of the client's timeline. */
export interface FrameRange {
  from: number;
  to: number;
}

export class LostRanges {
  /** In order, apart from each other. */
  private known: FrameRange[] = [];

  /** [from, to) is lost; returns those parts of it that hadn't been told yet. */
  add(from: number, to: number): FrameRange[] {
    const news: FrameRange[] = [];
    let begin = from;
    for (const range of this.known) {
      if (range.to <= begin || range.from >= to) continue;
      if (begin < range.from) news.push({ from: begin, to: range.from });
      begin = range.to;
    }
    if (begin < to) news.push({ from: begin, to });
    this.known = [...this.known, ...news].sort((a, b) => a.from - b.from);
    return news;
  }

  /** Nothing before `frame` is spoken of again. */
  forgetBefore(frame: number): void {
    this.known = this.known.filter((range) => range.to > frame);
  }
}
