/** @file Builds the site, or serves it while it is written: guide, reference and playground. */
import {
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  utimesSync,
  watch,
  writeFileSync,
} from "node:fs";
import path from "node:path";
import { build, createServer } from "vitepress";
import { gatherPages, gatherReference } from "./pages.mjs";
import { buildReference } from "./reference.mjs";
import { makeRelative, PLACEHOLDER } from "./relative.mjs";

const root = path.resolve(import.meta.dirname, "..", "..");
const site = path.join(root, "site");
/** Sources of the pages, gathered; the configuration of VitePress names it too. */
const pages = path.join(root, "build", "site-pages");
const playground = path.join(site, "playground", "build.mjs");

/** What TypeDoc wrote last; its time is that at which the sources were read. */
const reference = path.join(root, "build", "site-reference");

/** Whether no source is younger than the reference. */
function referenceIsFresh() {
  const read = statSync(reference, { throwIfNoEntry: false })?.mtimeMs ?? 0;
  const newest = (folder) =>
    Math.max(
      ...readdirSync(folder, { recursive: true, encoding: "utf8" }).map(
        (name) => statSync(path.join(folder, name)).mtimeMs,
      ),
    );
  return ["src", "site/tools", "site/pages/reference"].every((folder) => newest(path.join(root, folder)) < read);
}

/** Writes the reference, which takes most of the time; there is a whole one or none. @returns what TypeDoc warns of */
async function makeReference() {
  const began = new Date();
  const made = `${reference}.${process.pid}`;
  rmSync(reference, { recursive: true, force: true });
  try {
    const warnings = await buildReference(made);
    utimesSync(made, began, began);
    renameSync(made, reference);
    return warnings;
  } finally {
    rmSync(made, { recursive: true, force: true });
  }
}

/** Puts every page into one folder, which is emptied first. */
function gather() {
  rmSync(pages, { recursive: true, force: true });
  gatherReference(reference, pages);
  gatherPages(pages);
}

/**
 * Builds the site into a folder of static files that works wherever it is put.
 *
 * @param {string} out emptied first
 * @returns {Promise<string[]>} what TypeDoc warned of; also kept in `build/site-reference.json`
 */
export async function buildSite(out) {
  const warnings = await makeReference();
  gather();
  rmSync(out, { recursive: true, force: true });
  await build(site, { base: PLACEHOLDER, outDir: out });
  makeRelative(out);
  if (existsSync(playground)) {
    const { buildPlayground } = await import(playground);
    await buildPlayground(path.join(out, "playground"), { home: "../index.html" });
  }
  mkdirSync(path.join(root, "build"), { recursive: true });
  writeFileSync(path.join(root, "build", "site-reference.json"), JSON.stringify(warnings, null, 2));
  return warnings;
}

/**
 * Serves guide, reference and playground, and shows changes of the guide, docs, examples and playground at once. The
 * reference is that of the start, made anew if a source of the library is younger.
 *
 * @param {number} [port]
 * @returns {Promise<{ address: string, close(): Promise<void> }>}
 */
export async function serveSite(port) {
  if (!referenceIsFresh()) await makeReference();
  gather();
  const server = await createServer(site, { port });
  const { servePlayground } = await import("../playground/build.mjs");
  const playground = await servePlayground("/playground/", { home: "/" });
  // Before the guide's own pages, which would answer that there is no such one.
  server.middlewares.stack.unshift({ route: "/playground", handle: playground.handle });
  await server.listen();
  // VitePress has silenced what prints this.
  console.log(
    `${server.resolvedUrls?.local[0] ?? "the site is served"}: guide, reference and playground; pages show changes at once`,
  );
  const again = () => {
    try {
      gatherPages(pages);
    } catch (error) {
      console.error(error.message);
    }
  };
  const watchers = ["site/pages", "docs", "examples"].map((folder) =>
    watch(path.join(root, folder), { recursive: true }, again),
  );
  return {
    address: server.resolvedUrls?.local[0] ?? "",
    async close() {
      for (const watcher of watchers) watcher.close();
      await playground.close();
      await server.close();
    },
  };
}
