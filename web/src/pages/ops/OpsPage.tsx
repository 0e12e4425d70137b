import { useCallback, useState, type ReactNode } from "react";
import { createPortal } from "react-dom";

import { AnswerError, getJson, send } from "./api";
import { Charts } from "./Charts";
import { Figures } from "./Figures";
import { extended, type Series } from "./history";
import { KiosksView } from "./KiosksView";
import type { OpsTexts } from "./opsTexts";
import { SessionsView } from "./SessionsView";
import { FaultsView, StatusView } from "./StatusView";
import { useTheme } from "./theme";
import type { History, Overview, Session, WaitingKiosk, Worker } from "./types";
import { usePoll } from "./usePoll";
import { WorkersView } from "./WorkersView";

const LIVE_MS = 3_000;
const CALM_MS = 5_000;

const askOverview = () => getJson<Overview>("/api/ops");
const askSessions = async () => (await getJson<{ sessions: Session[] }>("/api/sessions")).sessions;
const askKiosks = async () => (await getJson<{ waiting: WaitingKiosk[] }>("/api/kiosks")).waiting;

/** The parts of the page that live; the relay wrote the others, and these as of when it was loaded. */
export function OpsPage({ t }: { t: OpsTexts }) {
  const overview = usePoll(askOverview, LIVE_MS);
  const sessions = usePoll(askSessions, LIVE_MS);
  const kiosks = usePoll(askKiosks, CALM_MS);
  const series = useHistory();
  const theme = useTheme();
  const [said, say] = useState("");

  const act = async (
    [method, path]: ["POST" | "DELETE", string],
    done: string,
    gone: string,
  ): Promise<void> => {
    try {
      await send(method, path);
      say(done);
    } catch (error) {
      say(error instanceof AnswerError && error.status === 404 ? gone : t.failed);
    }
    overview.hurry();
    sessions.hurry();
  };
  const onEnd = ({ session_id }: Session) => {
    const id = session_id.slice(0, 8);
    const path = `/api/sessions/${encodeURIComponent(session_id)}`;
    void act(["DELETE", path], t.sessions.ended(id), t.sessions.gone(id));
  };
  const onDuty =
    (method: "POST" | "DELETE", done: (worker: string) => string) =>
    ({ worker }: Worker) => {
      const path = `/api/workers/${encodeURIComponent(worker)}/drain`;
      void act([method, path], done(worker), t.failed);
    };

  const { answer: shown } = overview;
  return (
    <>
      <p className={said === "" ? "vh" : "notice"} role="status">
        {said}
      </p>
      {shown !== null && (
        <>
          <Place id="ops-status">
            <StatusView overview={shown} isAway={overview.isAway || sessions.isAway} t={t} />
          </Place>
          <Place id="ops-faults">
            <FaultsView overview={shown} t={t} />
          </Place>
          <Place id="ops-workers">
            <WorkersView
              {...{ overview: shown, t }}
              onDrain={onDuty("POST", t.workers.drained)}
              onServe={onDuty("DELETE", t.workers.served)}
            />
          </Place>
        </>
      )}
      {sessions.answer !== null && (
        <Place id="ops-sessions">
          <SessionsView {...{ sessions: sessions.answer, t, onEnd }} />
        </Place>
      )}
      {series !== null && (
        <>
          <Place id="ops-figures">
            <Figures {...{ series, theme, t }} liveSessions={sessions.answer?.length ?? null} />
          </Place>
          <Place id="ops-charts">
            <Charts {...{ series, theme, t }} />
          </Place>
        </>
      )}
      {kiosks.answer !== null && shown !== null && (
        <Place id="ops-waiting">
          <KiosksView waiting={kiosks.answer} now={shown.at} t={t} />
        </Place>
      )}
    </>
  );
}

/** The last half hour: all of it at first, then what is new. */
function useHistory(): Series | null {
  const [series, setSeries] = useState<Series | null>(null);
  const since = series?.times.at(-1) ?? 0;
  const ask = useCallback(async () => {
    const news = await getJson<History>(`/api/ops/history?since=${since}`);
    // As long as nothing was counted, what the relay wrote says more.
    if (since > 0 || news.points.length > 0) setSeries((known) => extended(known, news));
  }, [since]);
  usePoll(ask, CALM_MS);
  return series;
}

/** A part of the page, in the place of what the relay wrote there. */
function Place({ id, children }: { id: string; children: ReactNode }) {
  const [element] = useState(() => {
    const found = document.getElementById(id);
    found?.replaceChildren();
    return found;
  });
  return element === null ? null : createPortal(children, element);
}
