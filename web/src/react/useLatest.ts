import { useEffect, useRef, type RefObject } from "react";

/** The newest value, for listeners that must not be added again whenever a callback changes. */
export function useLatest<Value>(value: Value): RefObject<Value> {
  const latest = useRef(value);
  useEffect(() => {
    latest.current = value;
  });
  return latest;
}
