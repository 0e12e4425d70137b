import { copyFileSync, readFileSync } from "node:fs";

import react from "@vitejs/plugin-react";
import { defineConfig, type Plugin } from "vite";

/** The npm package: modules as they are, for the bundler of whoever installs it. */
export default defineConfig({
  plugins: [react(), stylesAndLicence()],
  build: {
    outDir: "dist",
    target: "es2022",
    minify: false,
    sourcemap: true,
    lib: {
      entry: {
        index: "src/index.ts",
        "react/index": "src/react/index.ts",
      },
      formats: ["es"],
    },
    rolldownOptions: { external: [/^react(-dom)?($|\/)/] },
  },
});

/** What isn't a module: the styles, in one file, and the project's licence. */
function stylesAndLicence(): Plugin {
  return {
    name: "styles-and-licence",
    generateBundle() {
      const styles = readFileSync("src/react/styles.css", "utf8");
      const parts = readFileSync("src/react/parts.css", "utf8");
      const source = styles.replace('@import "./parts.css";', () => parts);
      this.emitFile({ type: "asset", fileName: "react/styles.css", source });
    },
    closeBundle() {
      copyFileSync("../LICENSE", "LICENSE");
    },
  };
}
