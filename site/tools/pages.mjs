/** @file Gathers the site's pages in one folder: the guide, docs/, the examples and the reference, with their links. */
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { exampleTexts } from "./examples.mjs";
import { outsideCode } from "./text.mjs";
import { tidyReference } from "./tidy.mjs";

const root = path.resolve(import.meta.dirname, "..", "..");

/** Files of the repository that become pages, by the page's place in the site. */
export function pageSources() {
  const list = (folder, into) =>
    readdirSync(path.join(root, folder), { recursive: true, encoding: "utf8" })
      .filter((name) => name.endsWith(".md"))
      .map((name) => [path.posix.join(into, name.replaceAll("\\", "/")), path.posix.join(folder, name)]);
  return Object.fromEntries([
    ...list("site/pages", ""),
    ...list("docs", "docs"),
    ["docs/features.md", "FEATURES.md"],
    ["docs/changelog.md", "CHANGELOG.md"],
  ]);
}

/** Where links to files that are no pages lead. */
const ELSEWHERE = { "README.md": "index.md", "CONTRIBUTING.md": "docs/contributing.md", examples: "examples/index.md" };

/**
 * The text of a page with its relative links as they are in the site.
 *
 * @param {string} text
 * @param {string} source the file in the repository
 * @param {string} page its place in the site
 * @param {Readonly<Record<string, string>>} sources of {@link pageSources}
 * @throws Error if a link leads to a file that is neither a page nor copied
 */
export function relink(text, source, page, sources) {
  const pages = new Map(Object.entries(sources).map(([place, file]) => [path.posix.normalize(file), place]));
  return outsideCode(text, (part) =>
    part.replace(/\]\((?!https?:|#|\/|mailto:)([^)\s#]+)(#[^)\s]*)?\)/g, (whole, link, anchor = "") => {
      const file = path.posix.normalize(path.posix.join(path.posix.dirname(source), link)).replace(/\/$/, "");
      const example = /^examples\/([\w-]+)\.(?:mjs|html)$/.exec(file);
      if (example !== null) return `](${relative(page, "examples/index.md")}#${example[1]})`;
      const place = pages.get(file) ?? ELSEWHERE[file] ?? (/^reference\/|^examples\//.test(link) ? link : undefined);
      if (place !== undefined) return `](${relative(page, place)}${anchor})`;
      if (file.endsWith(".svg") || file.startsWith("site/pages/reference/")) return whole;
      throw new Error(`${source}: the link ${link} leads to no page of the site`);
    }),
  );
}

function relative(from, to) {
  const way = path.posix.relative(path.posix.dirname(from), to);
  return way.startsWith(".") ? way : `./${way}`;
}

/**
 * Writes every page but the reference's.
 *
 * @param {string} out folder
 */
export function gatherPages(out) {
  const sources = pageSources();
  for (const [page, source] of Object.entries(sources)) {
    put(path.join(out, page), relink(readFileSync(path.join(root, source), "utf8"), source, page, sources));
  }
  for (const [name, text] of Object.entries(exampleTexts(path.join(root, "examples")))) {
    put(path.join(out, "examples", name), text);
  }
  cpSync(path.join(root, "docs", "theory"), path.join(out, "docs", "theory"), { recursive: true });
  if (existsSync(path.join(root, "site", "public"))) {
    cpSync(path.join(root, "site", "public"), path.join(out, "public"), { recursive: true });
  }
}

/** Pages of the reference as TypeDoc wrote them, put among the others. */
export function gatherReference(from, out) {
  for (const [page, text] of Object.entries(tidyReference(from))) put(path.join(out, "reference", page), text);
}

/** Writes a file unless it is there with the same text: whoever watches sees changes alone. */
function put(file, text) {
  if (existsSync(file) && readFileSync(file, "utf8") === text) return;
  mkdirSync(path.dirname(file), { recursive: true });
  writeFileSync(file, text);
}
