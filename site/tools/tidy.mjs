/** @file Pages of the reference as TypeDoc writes them, made easier to read: titles, and labels instead of headings. */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { outsideCode } from "./text.mjs";

/** Headings of TypeDoc that say what a part of one symbol is: no reader looks for them in an outline. */
const LABELS =
  /^#{4,6} (Parameters|Returns|Throws|Gradient|Type Parameters|Example|Default Value|Set Signature|Get Signature|Call Signature|Extends|Implements|Extended by|Implementation of|See|Remarks|Deprecated|Type Declaration|Index Signature|Default)(?: \{#[^}]*\})?$/gm;
/** Parts that repeat what stands elsewhere. */
const REPEATED = /^#{3,6} (?:Overrides|Inherited from)(?: \{#[^}]*\})?\n\n[^\n]+\n\n/gm;

/** The name of an entry by TypeDoc's name of its module. */
const specifier = (module) => (module === "index" ? "coarsegrad" : `coarsegrad/${module}`);

/**
 * Headings of groups, told apart from symbols of the same name: VitePress makes anchors of all headings, and TypeDoc
 * gives symbols theirs.
 */
function anchorGroups(text) {
  let groups = 0;
  const anchored = (part) =>
    part.replace(/^(#{2,6} )([^{\n]*?)$/gm, (_, marks, words) => {
      groups++;
      return `${marks}${words} {#group-${words.toLowerCase().replace(/[^a-z]+/g, "-")}-${groups}}`;
    });
  return outsideCode(text, anchored);
}

/** A page's text, readable. */
function tidy(text, page) {
  const parts = text.split(/(^```[\s\S]*?^```$)/m);
  const changed = parts.map((part, n) => {
    if (n % 2 === 1) return part;
    return part
      .replace(REPEATED, "")
      .replace(LABELS, "**$1**")
      .replace(/\n\*\*(Gradient|Returns|Throws)\*\*\n\n(?=[^\n`|])/g, "\n**$1:** ")
      .replaceAll("{{", "&#123;&#123;");
  });
  const module = page.split("/")[0].replace(".md", "");
  const inside = /namespaces\/(\w+)\.md$/.exec(page)?.[1];
  const title = inside === undefined ? specifier(module) : `${inside} of ${specifier(module)}`;
  return anchorGroups(changed.join("")).replace(/^# .*$/m, `# ${title}`);
}

/**
 * @param {string} folder what TypeDoc wrote
 * @returns {Record<string, string>} text by page
 */
export function tidyReference(folder) {
  const files = readdirSync(folder, { recursive: true, encoding: "utf8" }).map((name) => name.replaceAll("\\", "/"));
  const pages = files.filter((name) => name.endsWith(".md") && name !== "README.md");
  return Object.fromEntries(
    pages.map((page) => [
      page.replace("README.md", "index.md"),
      tidy(readFileSync(path.join(folder, page), "utf8"), page).replaceAll("README.md", "index.md"),
    ]),
  );
}
