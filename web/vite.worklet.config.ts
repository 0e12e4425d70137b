import { defineConfig } from "vite";

/** The package's worklet by itself: one file, because an audio thread loads it alone. */
export default defineConfig({
  build: {
    outDir: "dist",
    emptyOutDir: false,
    target: "es2022",
    minify: false,
    lib: {
      entry: { "capture.worklet": "src/audio/capture.worklet.ts" },
      formats: ["es"],
    },
  },
});
