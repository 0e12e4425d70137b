import { useCallback, useEffect, useRef, useState } from "react";

import { useLatest } from "../../react/useLatest";
import { isSignedOut } from "./api";
import { Poll } from "./Poll";

export interface Polled<Answer> {
  /** The last one; null before there is one. */
  answer: Answer | null;
  /** Whether the last attempt failed. */
  isAway: boolean;
  /** Ask now, since something was done. */
  hurry: () => void;
}

/** What `ask` answers, asked again and again; whoever was signed out comes to sign in. */
export function usePoll<Answer>(ask: () => Promise<Answer>, intervalMs: number): Polled<Answer> {
  const [answer, setAnswer] = useState<Answer | null>(null);
  const [isAway, setAway] = useState(false);
  const latest = useLatest(ask);
  const poll = useRef<Poll<Answer>>(undefined);
  useEffect(() => {
    poll.current = new Poll(() => latest.current(), intervalMs, {
      onAnswer: (given) => {
        setAnswer(given);
        setAway(false);
      },
      onError: (error) => {
        if (isSignedOut(error)) location.reload();
        setAway(true);
      },
    });
    return poll.current.start();
  }, [latest, intervalMs]);
  const hurry = useCallback(() => poll.current?.hurry(), []);
  return { answer, isAway, hurry };
}
