import { useEffect, useRef, useState } from "react";

interface ConfirmProps {
  /** What the button says, and what it says when pressed first. */
  act: string;
  sure: string;
  cancel: string;
  /** Of what; read out only. */
  what: string;
  /** What will come of it. */
  text?: string;
  onConfirm: () => void;
}

/** A button for what can't be undone: it asks once more, in its own place. */
export function Confirm({ act, sure, cancel, what, text, onConfirm }: ConfirmProps) {
  const [isAsking, setAsking] = useState(false);
  const opener = useRef<HTMLButtonElement>(null);
  const confirm = useRef<HTMLButtonElement>(null);
  const wasAsking = useRef(false);
  useEffect(() => {
    if (isAsking) confirm.current?.focus();
    else if (wasAsking.current) opener.current?.focus();
    wasAsking.current = isAsking;
  }, [isAsking]);
  if (!isAsking) {
    return (
      <button ref={opener} type="button" className="quiet" onClick={() => setAsking(true)}>
        {act}
        <span className="vh"> {what}</span>
      </button>
    );
  }
  return (
    <div
      className="sure"
      role="group"
      aria-label={`${act} ${what}`}
      onKeyDown={(event) => {
        if (event.key === "Escape") setAsking(false);
      }}
    >
      {text !== undefined && <p className="note">{text}</p>}
      <button
        ref={confirm}
        type="button"
        className="grave"
        onClick={() => {
          setAsking(false);
          onConfirm();
        }}
      >
        {sure}
        <span className="vh"> {what}</span>
      </button>
      <button type="button" className="quiet" onClick={() => setAsking(false)}>
        {cancel}
      </button>
    </div>
  );
}
