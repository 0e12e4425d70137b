/** How the page asks the relay. */

/** Patience for one answer, in milliseconds. */
const TIMEOUT_MS = 10_000;

/** An answer that isn't one of those that are expected. */
export class AnswerError extends Error {
  readonly status: number;

  constructor(status: number) {
    super(`the relay answered ${status}`);
    this.status = status;
  }
}

/**
 * Ask for JSON.
 *
 * Raises: AnswerError, and whatever `fetch` does while the relay is away.
 */
export async function getJson<Body>(path: string): Promise<Body> {
  return (await (await send("GET", path)).json()) as Body;
}

/** Ask for something to be done; raises as `getJson` does. */
export async function send(method: "GET" | "POST" | "DELETE", path: string): Promise<Response> {
  const signal = AbortSignal.timeout(TIMEOUT_MS);
  const headers = { accept: "application/json" };
  const answer = await fetch(path, { method, headers, signal });
  if (!answer.ok) throw new AnswerError(answer.status);
  return answer;
}

/** Whether whoever looks at the page has been signed out meanwhile, or is no operator any more. */
export function isSignedOut(error: unknown): boolean {
  return error instanceof AnswerError && (error.status === 401 || error.status === 403);
}
