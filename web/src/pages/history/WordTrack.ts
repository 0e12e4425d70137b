/** When the words of a transcript were said, and which of them is heard at a time. */

export interface WordTimes {
  startSeconds: number;
  endSeconds: number;
}

/** For how long a word counts as heard after its end, in seconds, so that nothing flickers. */
const LINGERS_SECONDS = 0.25;

export class WordTrack {
  private readonly words: WordTimes[] = [];

  /** In the order of time. */
  push(word: WordTimes): void {
    this.words.push(word);
  }

  get length(): number {
    return this.words.length;
  }

  /** How far the words reach, in seconds. */
  get endSeconds(): number {
    return this.words.at(-1)?.endSeconds ?? 0;
  }

  get(index: number): WordTimes | undefined {
    return this.words[index];
  }

  /** The last word that has begun by then; -1 before the first one. */
  begunBy(seconds: number): number {
    let [low, high] = [0, this.words.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.words[middle]?.startSeconds ?? 0) <= seconds) low = middle + 1;
      else high = middle;
    }
    return low - 1;
  }

  /** The word that is heard then; -1 in a pause. */
  heardAt(seconds: number): number {
    const index = this.begunBy(seconds);
    const word = this.words[index];
    return word !== undefined && seconds < word.endSeconds + LINGERS_SECONDS ? index : -1;
  }
}
