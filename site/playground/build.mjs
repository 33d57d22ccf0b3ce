/** @file Builds the playground: `node site/playground/build.mjs [folder]`, by default into build/site/playground. */
import { readFileSync, statSync, watch } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { playgroundConfig } from "./vite.config.mjs";

const here = import.meta.dirname;
const root = path.resolve(here, "..", "..");
const SILENT = { throwIfNoEntry: false };

/**
 * Builds the playground from the package as it was built last.
 *
 * @param {string} outDir folder for its files; emptied first
 * @param {{ home?: string }} [options] `home`: where the name at the top of each page leads, such as `../index.html`
 * @returns {Promise<void>}
 */
export async function buildPlayground(outDir, options) {
  const config = playgroundConfig(options);
  await build({ ...config, build: { ...config.build, outDir: path.resolve(outDir) } });
}

const TYPES = { ".html": "text/html; charset=utf-8", ".js": "text/javascript", ".css": "text/css" };

/**
 * The playground as a server's middleware, for whoever serves other pages too; built anew when its sources change.
 *
 * @param {string} base its folder on that server, such as `/playground/`
 * @param {{ home?: string }} [options] see {@link buildPlayground}
 * @returns {Promise<{ handle(request: object, response: object, next: () => void): void, close(): void }>}
 */
export async function servePlayground(base, options) {
  const folder = path.join(root, "build", "site-dev-playground");
  await buildPlayground(folder, options);
  let building = Promise.resolve();
  let waiting = false;
  const again = () => {
    if (waiting) return;
    waiting = true;
    building = building.then(async () => {
      waiting = false;
      await buildPlayground(folder, options).catch((error) => console.error(error.message));
    });
  };
  const watchers = ["pages", "src"].map((name) => watch(path.join(here, name), { recursive: true }, again));
  return {
    async handle(request, response, next) {
      const { pathname } = new URL(request.originalUrl ?? request.url, "http://localhost");
      const file = path.join(folder, decodeURIComponent(pathname.slice(base.length)) || "index.html");
      await building;
      const isThere = pathname.startsWith(base) && file.startsWith(folder) && statSync(file, SILENT)?.isFile();
      if (!isThere) return next();
      response.setHeader("content-type", TYPES[path.extname(file)] ?? "application/octet-stream");
      response.end(readFileSync(file));
    },
    close: () => {
      for (const watcher of watchers) watcher.close();
    },
  };
}

if (path.resolve(process.argv[1] ?? "") === fileURLToPath(import.meta.url)) {
  await buildPlayground(process.argv[2] ?? path.join(root, "build", "site", "playground"));
}
