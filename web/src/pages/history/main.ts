/** What scripts add to the pages of transcripts, which work without them. */

import { texts, type Language } from "../../texts";
import { localTimes } from "./localTimes";
import { readTranscript } from "./readTranscript";
import { selectTranscripts } from "./selectTranscripts";

const language = document.documentElement.lang as Language;
localTimes(document, language);
const said = document.getElementById("said");
if (said !== null) readTranscript(said, texts(language));
const button = document.getElementById("take-selected");
if (button instanceof HTMLButtonElement) selectTranscripts(button, texts(language));
