import { defineConfig } from "vitest/config";

export default defineConfig({
  // Where tests/contract is.
  server: { fs: { allow: [".."] } },
  test: { include: ["src/**/*.test.{ts,tsx}"], restoreMocks: true },
});
