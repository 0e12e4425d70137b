import type { Problem } from "./problems";

/**
 * Thrown by a provider of credentials that knows trying again won't help: the session ends by
 * `problem`. Any other error of its is a failed attempt.
 */
export class RelayClientError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail ?? problem.kind);
    this.name = "RelayClientError";
    this.problem = problem;
  }
}
