/** What a kiosk's screen shows: at most two utterances, and nothing for long. Pure. */
export interface Utterances {
  /** The one before the last; empty for none. */
  previous: string;
  /** The last, or the one that is being said. */
  current: string;
  /** Whether `current` may still change. */
  isOpen: boolean;
}

export const noUtterances: Utterances = { previous: "", current: "", isOpen: false };

/** Take the open segment so far. */
export function hearPartial(shown: Utterances, text: string): Utterances {
  // A segment's end empties the partial; its text stays as the last utterance.
  if (text === "") return shown.isOpen ? { ...shown, current: "", isOpen: false } : shown;
  if (shown.isOpen) return { ...shown, current: text };
  return { previous: shown.current || shown.previous, current: text, isOpen: true };
}

/** Take a final. */
export function hearSegment(shown: Utterances, text: string): Utterances {
  if (shown.isOpen) return { ...shown, current: text, isOpen: false };
  return { previous: shown.current || shown.previous, current: text, isOpen: false };
}
