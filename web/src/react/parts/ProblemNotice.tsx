import type { Problem } from "../../client/problems";
import type { Texts } from "../../texts";

interface ProblemNoticeProps {
  problem: Problem;
  t: Texts;
  /** What the button of the remedy does; without it there is none. */
  onAct?: ((problem: Problem) => void) | undefined;
}

/** What happened, why, and the next step. */
export function ProblemNotice({ problem, t, onAct }: ProblemNoticeProps) {
  const { title, text, action } = t.remedy(problem);
  return (
    <div className="scribe-problem" role="alert" data-problem={problem.kind}>
      <div>
        <strong>{title}</strong>
        <p>{text}</p>
        {problem.detail !== null && <small>{problem.detail}</small>}
      </div>
      {action !== null && onAct !== undefined && (
        <button type="button" onClick={() => onAct(problem)}>
          {action}
        </button>
      )}
    </div>
  );
}
