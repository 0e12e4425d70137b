/** Builds the relay's own pages, into the folder that it serves at `/static/`. */

import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

export default defineConfig({
  plugins: [react()],
  base: "/static/",
  worker: { format: "es" },
  build: {
    outDir: "../relay/http/built",
    emptyOutDir: true,
    assetsDir: "",
    // The relay's templates read from it what a page loads.
    manifest: true,
    // The relay's policy allows no `data:` and no inline scripts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    // What the licences of bundled packages ask to be kept: `.vite/license.md`.
    license: true,
    rolldownOptions: {
      input: {
        recorder: "src/pages/recorder/main.tsx",
        kiosk: "src/pages/kiosk/main.tsx",
        ops: "src/pages/ops/main.tsx",
        history: "src/pages/history/main.ts",
      },
    },
  },
});
