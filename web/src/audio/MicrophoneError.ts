import type { Problem } from "../client/problems";

/** Rejects what a microphone was asked for; `problem` says why, and what a person can do. */
export class MicrophoneError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(problem.detail === null ? problem.kind : `${problem.kind}: ${problem.detail}`);
    this.name = "MicrophoneError";
    this.problem = problem;
  }
}
