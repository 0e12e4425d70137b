import { createRoot } from "react-dom/client";
import "uplot/dist/uPlot.min.css";

import type { Language } from "../../texts/Language";
import { OpsPage } from "./OpsPage";
import { opsTexts } from "./opsTexts";
import "./ops.css";

const app = document.getElementById("ops-live");
if (app !== null) {
  const t = opsTexts(document.documentElement.lang as Language);
  createRoot(app).render(<OpsPage t={t} />);
}
