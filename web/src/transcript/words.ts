/** Counting words, in any language. */

/** Without a locale: dictionaries for languages without spaces are chosen by script, not by locale. */
const LOCALE = "und";

/**
 * Build a counter of words.
 *
 * @param Segmenter What tells words apart, Chinese ones too. Without it (Firefox before 125),
 *   whatever stands between two spaces and has a letter or a digit counts as a word.
 */
export function wordCounter(
  Segmenter: typeof Intl.Segmenter | undefined,
): (text: string) => number {
  if (Segmenter === undefined) return countSpaced;
  const segmenter = new Segmenter(LOCALE, { granularity: "word" });
  return (text) => {
    let words = 0;
    for (const { isWordLike } of segmenter.segment(text)) if (isWordLike === true) words += 1;
    return words;
  };
}

/** How many words a text has. */
export const countWords = wordCounter(
  // The library's types promise what older browsers lack.
  (Intl as { Segmenter?: typeof Intl.Segmenter }).Segmenter,
);

function countSpaced(text: string): number {
  return text.split(/\s+/u).filter((part) => /[\p{L}\p{N}]/u.test(part)).length;
}
