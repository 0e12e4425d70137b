import { useRef } from "react";

import type { Texts } from "../../texts";

/** Removing the text asks first: there is no way back. */
export function ClearButton({ onClear, t }: { onClear: () => void; t: Texts }) {
  const dialog = useRef<HTMLDialogElement>(null);
  return (
    <>
      <button type="button" className="clear" onClick={() => dialog.current?.showModal()}>
        {t.clear.label}
      </button>
      <dialog ref={dialog} aria-labelledby="clear-question">
        <form method="dialog" className="stack">
          <p id="clear-question">{t.clear.question}</p>
          <div className="acts">
            <button>{t.clear.keep}</button>
            <button className="grave" onClick={onClear}>
              {t.clear.confirm}
            </button>
          </div>
        </form>
      </dialog>
    </>
  );
}
