import { Confirm } from "./Confirm";
import type { OpsTexts } from "./opsTexts";
import type { Overview, Worker } from "./types";

interface WorkersViewProps {
  overview: Overview;
  t: OpsTexts;
  onDrain: (worker: Worker) => void;
  onServe: (worker: Worker) => void;
}

/** Every worker, what it does, and the provider's slots. */
export function WorkersView({
  overview: { workers, slots },
  t,
  onDrain,
  onServe,
}: WorkersViewProps) {
  const w = t.workers;
  if (workers === null) return <p className="problem">{w.away}</p>;
  const serving = workers.filter(({ duty }) => duty === "serving").length;
  const dutyOf = ({ duty, sessions }: Worker) =>
    w.duties[duty === "draining" && sessions === 0 ? "drained" : duty];
  return (
    <>
      <table>
        <thead>
          <tr>
            <th scope="col">{w.worker}</th>
            <th scope="col">{w.duty}</th>
            <th scope="col" className="n">
              {w.sessions}
            </th>
            <th scope="col">
              <span className="vh">{t.sessions.actions}</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {workers.map((worker) => (
            <tr key={worker.worker} data-worker={worker.worker}>
              <th scope="row" className="num" data-label={w.worker}>
                <bdi>{worker.worker}</bdi>
              </th>
              <td data-label={w.duty}>
                <span className={worker.duty === "serving" ? undefined : "tag"}>
                  {dutyOf(worker)}
                </span>
              </td>
              <td data-label={w.sessions} className="n">
                {worker.sessions} / {worker.sessions_limit}
              </td>
              <td className="do">
                <div>
                  {worker.duty === "serving" && (
                    <Confirm
                      act={w.drain}
                      sure={w.drainNow}
                      cancel={t.sessions.cancel}
                      what={worker.worker}
                      text={serving === 1 ? w.drainLast : w.drainText}
                      onConfirm={() => onDrain(worker)}
                    />
                  )}
                  {worker.duty === "draining" && (
                    <button type="button" className="quiet" onClick={() => onServe(worker)}>
                      {w.serve}
                      <span className="vh"> {worker.worker}</span>
                    </button>
                  )}
                </div>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      {slots !== null && (
        <p className="slots">
          {w.slots}{" "}
          <b className="num">
            {slots.taken} / {slots.limit}
          </b>
          {slots.waiting > 0 && <span className="tag">{w.slotsWaiting(slots.waiting)}</span>}
        </p>
      )}
    </>
  );
}
