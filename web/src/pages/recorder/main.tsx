import { createRoot } from "react-dom/client";

import { texts, type Language } from "../../texts";
import { keepWorklet } from "../worklet";
import { RecorderPage } from "./RecorderPage";
import "./recorder.css";

const app = document.getElementById("app");
if (app !== null) {
  keepWorklet();
  const t = texts(document.documentElement.lang as Language);
  createRoot(app).render(<RecorderPage t={t} />);
}
