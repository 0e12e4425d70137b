import { useEffect, useRef, type ReactNode } from "react";

interface MenuProps {
  label: string;
  className?: string;
  children: ReactNode;
}

/** A disclosure that closes by Escape, by a press elsewhere, and by what is chosen in it. */
export function Menu({ label, className = "", children }: MenuProps) {
  const details = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    const close = (event: Event) => {
      const menu = details.current;
      if (!menu?.open) return;
      if (event instanceof KeyboardEvent) {
        if (event.key !== "Escape") return;
        menu.querySelector("summary")?.focus();
      } else if (event.target instanceof Node && menu.contains(event.target)) return;
      menu.open = false;
    };
    document.addEventListener("keydown", close);
    document.addEventListener("pointerdown", close);
    return () => {
      document.removeEventListener("keydown", close);
      document.removeEventListener("pointerdown", close);
    };
  }, []);
  const choose = (event: React.MouseEvent) => {
    const isChoice = event.target instanceof Element && event.target.closest("button") !== null;
    if (isChoice && details.current !== null) details.current.open = false;
  };
  return (
    <details ref={details} className={`menu ${className}`.trim()}>
      <summary>{label}</summary>
      <div onClick={choose}>{children}</div>
    </details>
  );
}
