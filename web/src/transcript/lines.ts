/** Lines of subtitles: how wide a text is, and where it breaks. Pure. */

/**
 * Columns in a line; a Chinese, Japanese or Korean character takes two.
 *
 * Source: Netflix, Timed Text Style Guide, English: 42 characters. The relay's own exports have
 * the same limits.
 */
export const MAX_LINE_WIDTH = 42;

/** Source: Netflix, Timed Text Style Guide, General Requirements; BBC, Subtitle Guidelines, 3.3. */
export const MAX_LINES = 2;

/**
 * How much less even, in columns, two lines may be so that the break follows punctuation.
 *
 * Source of the preference: Netflix, General Requirements ("after punctuation marks"); BBC, 3.4.
 */
const PUNCTUATION_BONUS = 10;

const ASCII = /^[ -~]*$/u;

/** Marks on the character before, and joiners. */
const TAKES_NO_COLUMN = /[\p{Mn}\p{Me}\p{Cf}]/u;

/** Source: Unicode, East Asian Width W and F, by the scripts and blocks that have them. */
const TAKES_TWO_COLUMNS =
  /[\p{Script=Han}\p{Script=Hiragana}\p{Script=Hangul}\p{Script=Bopomofo}\p{Script=Yi}\p{Emoji_Presentation}\u3000-\u33FF\uFE30-\uFE6B\uFF01-\uFF60\uFFE0-\uFFE6]/u;

const ENDS_A_PART = /[,;:.!?…،؛、，；：。！？।—–]["'”’»)\]」』）]*$/u;

/** A place to break: the line ends at `end`, the next one begins at `begin`. */
interface LineBreak {
  end: number;
  begin: number;
  /** Columns on either side. */
  before: number;
  after: number;
}

/** How many columns a text takes. */
export function columns(text: string): number {
  if (ASCII.test(text)) return text.length;
  let sum = 0;
  for (const character of text) sum += columnsOf(character);
  return sum;
}

/** Whether a sentence or a clause ends with the text: where a reader would pause. */
export function endsPart(text: string): boolean {
  return ENDS_A_PART.test(text);
}

/**
 * Break a text into lines of at most `MAX_LINE_WIDTH`, two of them as even as they can be.
 *
 * @param text On one line, with single spaces.
 */
export function wrap(text: string): readonly string[] {
  const width = columns(text);
  if (width <= MAX_LINE_WIDTH) return [text];
  const breaks = breaksOf(text, width);
  const [best, ...others] = breaks.filter(({ after }) => after <= MAX_LINE_WIDTH);
  if (best === undefined) return wrapFull(text, breaks);
  const { end, begin } = others.reduce((a, b) => (cost(text, b) < cost(text, a) ? b : a), best);
  return [text.slice(0, end), text.slice(begin)];
}

/** Fill the first line, and wrap the rest. */
function wrapFull(text: string, breaks: readonly LineBreak[]): readonly string[] {
  const last = breaks.at(-1);
  if (last === undefined) return [text];
  return [text.slice(0, last.end), ...wrap(text.slice(last.begin))];
}

function cost(text: string, { end, before, after }: LineBreak): number {
  return Math.abs(before - after) - (endsPart(text.slice(0, end)) ? PUNCTUATION_BONUS : 0);
}

/** Where the first line may end: at spaces and between wide characters, else anywhere. */
function breaksOf(text: string, width: number): readonly LineBreak[] {
  const breaks = findBreaks(text, width, mayBreak);
  return breaks.length > 0 ? breaks : findBreaks(text, width, (_, next) => columnsOf(next) > 0);
}

function findBreaks(
  text: string,
  width: number,
  allows: (previous: string, next: string) => boolean,
): readonly LineBreak[] {
  const breaks: LineBreak[] = [];
  let [end, before, previous] = [0, 0, ""];
  for (const next of text) {
    if (before > MAX_LINE_WIDTH) break;
    // The space is neither line's.
    const space = next === " " ? 1 : 0;
    if (end > 0 && allows(previous, next)) {
      breaks.push({ end, begin: end + space, before, after: width - before - space });
    }
    end += next.length;
    before += columnsOf(next);
    previous = next;
  }
  return breaks;
}

/** Closing punctuation begins no line, and opening punctuation ends none. */
function mayBreak(previous: string, next: string): boolean {
  if (next === " ") return true;
  return (
    columnsOf(next) === 2 && !/\p{P}/u.test(next) && previous !== " " && !/\p{Ps}/u.test(previous)
  );
}

function columnsOf(character: string): number {
  if (ASCII.test(character)) return 1;
  if (TAKES_NO_COLUMN.test(character)) return 0;
  return TAKES_TWO_COLUMNS.test(character) ? 2 : 1;
}
