import { createRoot } from "react-dom/client";

import { texts, type Language } from "../../texts";
import { keepWorklet } from "../worklet";
import { KioskPage } from "./KioskPage";
import { postForm, shownScreen, turnTo, type KioskScreen } from "./KioskScreen";
import { ScreenWatch } from "./ScreenWatch";
import { readConfig } from "./KioskConfig";
import "./kiosk.css";

/** Start what the page that is shown needs; returns how to end it. */
function show(watch: ScreenWatch): () => void {
  const app = document.getElementById("app");
  if (app === null) return () => undefined;
  const root = createRoot(app);
  root.render(
    <KioskPage
      config={readConfig(app)}
      t={texts(document.documentElement.lang as Language)}
      onBusy={(isBusy) => (watch.isBusy = isBusy)}
      onNotKnown={() => watch.hurry()}
    />,
  );
  return () => root.unmount();
}

let end: () => void;
const watch = new ScreenWatch(shownScreen(), (screen: KioskScreen) => {
  end();
  turnTo(screen);
  end = show(watch);
});
end = show(watch);
keepWorklet();
void watch.run();

// A form that is sent the usual way ends on the browser's own error page while the relay is away.
document.addEventListener("submit", (event) => {
  event.preventDefault();
  const form = event.target as HTMLFormElement;
  // Whether it arrived or not, the next page says.
  void postForm(form)
    .catch(() => undefined)
    .finally(() => watch.hurry());
});
