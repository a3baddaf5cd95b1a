import { svelte } from "@sveltejs/vite-plugin-svelte";
import { defineConfig } from "vite";

const server = process.env["TIDEGATE_URL"] ?? "http://127.0.0.1:8080";
// The server believes requests of its own origin only; to it, the proxy is one.
const proxy = {
  "/api": {
    target: server,
    changeOrigin: true,
    headers: { origin: server },
  },
};

export default defineConfig({
  plugins: [svelte()],
  server: { proxy },
  preview: { proxy },
  build: {
    target: "es2022",
    outDir: "dist",
    assetsDir: "assets",
    // The policy lets only files run and load: nothing becomes a data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    chunkSizeWarningLimit: 700,
    rollupOptions: {
      output: {
        manualChunks(id: string) {
          if (/node_modules\/(echarts|zrender|tslib)\//.test(id)) return "charts";
          if (/node_modules\/(@codemirror|@lezer|style-mod|w3c-keyname|crelt|@marijn)\//.test(id)) return "editor";
          return undefined;
        },
      },
    },
  },
  test: { include: ["tests/**/*.test.ts"], environment: "node" },
} as Parameters<typeof defineConfig>[0]);
