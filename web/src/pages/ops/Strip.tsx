import { runsOf, secondsByMark, SPANS, type Mark } from "./recent";
import type { OpsTexts } from "./opsTexts";

/** From where to where a mark reaches, of a height of 12. */
const REACH: Record<Mark, [number, number]> = {
  o: [2, 10],
  q: [5, 7],
  p: [2, 10],
  w: [5, 7],
  b: [2, 10],
  g: [0, 12],
};

/** The last ten minutes of a session. */
export function Strip({ recent, t }: { recent: string; t: OpsTexts }) {
  const said = secondsByMark(recent).map(
    ([mark, seconds]) => `${t.sessions.marks[mark]} ${Math.round(seconds / 6) / 10} min`,
  );
  return (
    <svg
      className="strip"
      viewBox={`0 0 ${SPANS} 12`}
      preserveAspectRatio="none"
      role="img"
      aria-label={said.join(", ") || t.sessions.nothingYet}
    >
      <rect className="mark-none" x="0" y="5.5" width={SPANS} height="1" />
      {runsOf(recent).map(({ mark, start, length }) => {
        const [top, bottom] = REACH[mark];
        return (
          <rect
            key={start}
            className={`mark-${mark}`}
            x={start}
            y={top}
            width={length}
            height={bottom - top}
          />
        );
      })}
    </svg>
  );
}
