import { useCallback, useEffect, useLayoutEffect, useRef, useState, type RefObject } from "react";

/** How near the end a reader has to be to be kept there, in pixels: about a line. */
const NEAR_PX = 40;

export interface Follow {
  ref: RefObject<HTMLDivElement | null>;
  /** False while the reader has scrolled up to read. */
  isFollowing: boolean;
  /** Go to the newest, and follow again. */
  toNewest: () => void;
}

/** Keep the end of a scrolling element in sight while `content` grows, unless its reader left it. */
export function useFollow(content: unknown): Follow {
  const ref = useRef<HTMLDivElement>(null);
  const [isFollowing, setFollowing] = useState(true);

  useEffect(() => {
    const element = ref.current;
    if (element === null) return;
    const look = () => {
      const left = element.scrollHeight - element.scrollTop - element.clientHeight;
      setFollowing(left < NEAR_PX);
    };
    element.addEventListener("scroll", look, { passive: true });
    return () => element.removeEventListener("scroll", look);
  }, []);

  const toNewest = useCallback(() => {
    ref.current?.scrollTo({ top: ref.current.scrollHeight });
    setFollowing(true);
  }, []);

  useLayoutEffect(() => {
    if (isFollowing) ref.current?.scrollTo({ top: ref.current.scrollHeight });
  }, [content, isFollowing]);

  return { ref, isFollowing, toNewest };
}
