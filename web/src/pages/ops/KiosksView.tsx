import type { OpsTexts } from "./opsTexts";
import type { WaitingKiosk } from "./types";

/** Put a code into the form that approves, and go on where its name is asked for. */
function choose(code: string): void {
  const field = document.querySelector<HTMLInputElement>("#code");
  if (field !== null) field.value = code;
  document.querySelector<HTMLElement>("#kiosk-name")?.focus();
}

/** Devices that wait for somebody to approve them. */
export function KiosksView({
  waiting,
  now,
  t,
}: {
  waiting: WaitingKiosk[];
  now: number;
  t: OpsTexts;
}) {
  const k = t.kiosks;
  const minutes = ({ expires_at }: WaitingKiosk) =>
    Math.max(0, Math.floor((Date.parse(expires_at) / 1_000 - now) / 60));
  return (
    <>
      <p className="vh" role="status">
        {k.waiting(waiting.length)}
      </p>
      {waiting.length === 0 ? (
        <p className="empty">{k.none}</p>
      ) : (
        <ul className="waiting">
          {waiting.map((kiosk) => (
            <li key={kiosk.code}>
              <span className="code">{kiosk.code}</span>
              <span className="aside">{k.left(kiosk.address, minutes(kiosk))}</span>
              <a
                href={`/ops?code=${encodeURIComponent(kiosk.code)}#approve`}
                onClick={(event) => {
                  event.preventDefault();
                  choose(kiosk.code);
                }}
              >
                {k.choose}
                <span className="vh"> {kiosk.code}</span>
              </a>
            </li>
          ))}
        </ul>
      )}
    </>
  );
}
