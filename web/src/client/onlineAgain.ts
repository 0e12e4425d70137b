/** Calls `act` whenever the browser has a network again; returns how to stop. */
export function onlineAgain(act: () => void): () => void {
  // Workers and servers may have no such event; then only the timers count.
  if (typeof globalThis.addEventListener !== "function") return () => undefined;
  globalThis.addEventListener("online", act);
  return () => globalThis.removeEventListener("online", act);
}
