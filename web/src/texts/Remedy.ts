import type { Problem, ProblemKind } from "../client/problems";

/** What happened, why, and what to do. Plain text. */
export interface Notice {
  title: string;
  text: string;
}

/** A notice with the next step. */
export interface Remedy extends Notice {
  /** The label of its button; null where pressing one wouldn't help, or nothing need be pressed. */
  action: string | null;
}

/** What to say of each kind of problem; a function where it depends on more than the kind. */
export type Remedies<Said extends Notice = Remedy> = Readonly<
  Record<ProblemKind, Said | ((problem: Problem) => Said)>
>;

/** Say what to do about problems. */
export function remedyBy<Said extends Notice>(
  remedies: Remedies<Said>,
): (problem: Problem) => Said {
  return (problem) => {
    const said = remedies[problem.kind];
    return typeof said === "function" ? said(problem) : said;
  };
}
