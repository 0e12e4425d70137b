import react from "@vitejs/plugin-react";
import { defineConfig } from "vite";

/** The npm package: modules as they are, for the bundler of whoever installs it. */
export default defineConfig({
  plugins: [react()],
  build: {
    outDir: "dist",
    target: "es2022",
    minify: false,
    sourcemap: true,
    lib: {
      entry: {
        index: "src/index.ts",
        "react/index": "src/react/index.ts",
        "capture.worklet": "src/audio/capture.worklet.ts",
      },
      formats: ["es"],
    },
    rolldownOptions: { external: [/^react(-dom)?($|\/)/] },
  },
});
