import { useRef } from "react";

import type { Texts } from "../../texts";

/** Removing the text asks first: there is no way back. */
export function ClearButton({ onClear, t }: { onClear: () => void; t: Texts }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const close = () => dialog.current?.close();
  const clear = () => {
    close();
    onClear();
  };
  return (
    <>
      <button type="button" className="clear" onClick={() => dialog.current?.showModal()}>
        {t.clear.label}
      </button>
      <dialog ref={dialog} aria-labelledby="clear-question">
        <p id="clear-question">{t.clear.question}</p>
        <div className="acts">
          <button type="button" onClick={close}>
            {t.clear.keep}
          </button>
          <button type="button" className="grave" onClick={clear}>
            {t.clear.confirm}
          </button>
        </div>
      </dialog>
    </>
  );
}
