/** @file How the playground is built: one page for each task, their workers, example files, and offline use. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { defineConfig } from "vite";
import { exampleFiles } from "./plugins/examples.mjs";
import { offlineFiles } from "./plugins/offline.mjs";
import { PAGES, pageShell } from "./plugins/shell.mjs";

const here = import.meta.dirname;
const root = path.resolve(here, "..", "..");
const { exports, version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));

/** `coarsegrad` and `coarsegrad/…` as whoever installed the package would get them. */
const packageEntries = {
  name: "package-entries",
  enforce: "pre",
  resolveId(source) {
    if (!/^coarsegrad(?:\/|$)/.test(source)) return null;
    const entry = exports[`.${source.slice("coarsegrad".length)}`];
    if (entry === undefined) throw new Error(`${source} is no entry of the package`);
    return path.join(root, entry.default);
  },
};

/** Modules of the pages do things when they are loaded; those of the package, as its manifest says, do not. */
const pagesHaveEffects = {
  name: "pages-have-effects",
  transform: (_, id) => (id.startsWith(path.join(here, "src")) ? { moduleSideEffects: true } : null),
};

/**
 * @param {{ home?: string }} [options] `home`: where the name at the top of each page leads; default the playground's
 *   own first page
 */
export function playgroundConfig({ home = "./index.html" } = {}) {
  return defineConfig({
    configFile: false,
    root: path.join(here, "pages"),
    base: "./",
    publicDir: false,
    logLevel: "warn",
    define: { COARSEGRAD_VERSION: JSON.stringify(version) },
    plugins: [packageEntries, pagesHaveEffects, pageShell({ home, version }), exampleFiles(), offlineFiles()],
    worker: { format: "es", plugins: () => [packageEntries, pagesHaveEffects] },
    build: {
      target: "es2022",
      // Source maps would be most of the site.
      sourcemap: false,
      emptyOutDir: true,
      modulePreload: { polyfill: false },
      rollupOptions: {
        input: Object.fromEntries(PAGES.map(({ file }) => [file, path.join(here, "pages", `${file}.html`)])),
      },
    },
  });
}

export default playgroundConfig();
