import type { Texts } from "../../texts";

/** Count what is selected in a list of transcripts; select all at once. */
export function selectTranscripts(button: HTMLButtonElement, t: Texts): void {
  const label = button.textContent.trim();
  const boxes = [...document.querySelectorAll<HTMLInputElement>(".transcripts input")];
  const all = document.createElement("input");
  all.type = "checkbox";
  const check = document.createElement("label");
  check.className = "check";
  check.append(all, t.history.selectAll);
  button.parentElement?.prepend(check);

  const show = () => {
    const count = boxes.filter((box) => box.checked).length;
    button.disabled = count === 0;
    button.textContent = count === 0 ? label : `${label} (${count})`;
    all.checked = count === boxes.length;
    all.indeterminate = count > 0 && count < boxes.length;
  };
  all.addEventListener("change", () => {
    for (const box of boxes) box.checked = all.checked;
    show();
  });
  for (const box of boxes) box.addEventListener("change", show);
  // Browsers tick again what was ticked when they come back to a page.
  addEventListener("pageshow", show);
  show();
}
