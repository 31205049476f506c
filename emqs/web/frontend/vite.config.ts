import preact from "@preact/preset-vite";
import { defineConfig, type Plugin } from "vite";
import { notice } from "./notice.mjs";

// Icons that neuroglancer asks for and ikonate 1.1.1 does not have.
const ICONS: Record<string, string> = {
  "code-alt": "M9 7l-5 5 5 5M15 7l5 5-5 5",
  "controls-alt": "M6 4v9m0 4v3M12 4v3m0 4v9M18 4v7m0 4v5M4 13h4M10 7h4M16 15h4",
  layers: "M12 4l9 5-9 5-9-5zM3 14l9 5 9-5",
};
const ICON = /^ikonate\/icons\/([a-z-]+)\.svg\?raw$/;

function missingIcons(): Plugin {
  return {
    name: "missing-icons",
    enforce: "pre",
    resolveId(source) {
      const name = ICON.exec(source)?.[1];
      return name !== undefined && name in ICONS ? `\0icon:${name}` : null;
    },
    load(id) {
      if (!id.startsWith("\0icon:")) return null;
      const path = ICONS[id.slice("\0icon:".length)];
      const svg =
        '<svg xmlns="http://www.w3.org/2000/svg" width="24" height="24" viewBox="0 0 24 24" ' +
        `fill="none" stroke="currentColor"><path d="${path}"/></svg>`;
      return `export default ${JSON.stringify(svg)}`;
    },
  };
}

// Vite does not see a worker whose address follows a comment, and would put it in unbundled.
function bundledWorkers(): Plugin {
  return {
    name: "bundled-workers",
    enforce: "pre",
    transform(code, id) {
      if (!id.includes("/neuroglancer/lib/") || !code.includes("webpackChunkName")) return null;
      return { code: code.replace(/\/\*\s*webpackChunkName:[^*]*\*\//g, ""), map: null };
    },
  };
}

const licenses = notice();

export default defineConfig({
  base: "/",
  plugins: [missingIcons(), bundledWorkers(), preact(), licenses.seen(), licenses.written()],
  worker: { format: "es", plugins: () => [missingIcons(), bundledWorkers(), licenses.seen()] },
  build: {
    outDir: "../static",
    emptyOutDir: true,
    target: "es2022",
    chunkSizeWarningLimit: 2000,
    reportCompressedSize: false,
  },
  optimizeDeps: { exclude: ["neuroglancer"] },
  server: {
    proxy: { "/api": "http://127.0.0.1:8765" },
    fs: { allow: [".."] }, // probability.glsl, which the server sends, too
  },
  test: { environment: "jsdom", include: ["src/**/*.test.{ts,tsx}"] },
} as Parameters<typeof defineConfig>[0]);
