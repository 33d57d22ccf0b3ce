/** @file Builds the playground: `node site/playground/build.mjs [folder]`, by default into build/site/playground. */
import path from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { playgroundConfig } from "./vite.config.mjs";

const root = path.resolve(import.meta.dirname, "..", "..");

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

if (path.resolve(process.argv[1] ?? "") === fileURLToPath(import.meta.url)) {
  await buildPlayground(process.argv[2] ?? path.join(root, "build", "site", "playground"));
}
