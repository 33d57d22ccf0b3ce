/**
 * @file Makes a site that was built for one folder work from any: addresses become relative to the page, in HTML, style
 * sheets and scripts.
 *
 * VitePress knows its folder when it builds. It is built for {@link PLACEHOLDER}; afterwards each page says in one line
 * where the site's folder is, seen from the page, and scripts take it from there.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { parseAst } from "vite";

/** The folder that the site is built for; no text of it may hold this. */
export const PLACEHOLDER = "/coarsegrad-site-folder/";
/** The global that holds the folder at run time. */
const FOLDER = "__siteFolder";

/** Calls `visit` with every node of a syntax tree. */
function walk(node, visit, parent) {
  visit(node, parent);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (child !== null && typeof child === "object" && typeof child.type === "string") walk(child, visit, node);
    }
  }
}

/**
 * A script whose strings name the folder at run time.
 *
 * @param {string} code an ECMAScript module
 * @returns {string}
 * @throws Error if the placeholder stands where it is not known how to replace it
 */
export function relativeScript(code) {
  if (!code.includes(PLACEHOLDER)) return code;
  const edits = [];
  walk(parseAst(code), (node, parent) => {
    if (node.type === "Literal" && typeof node.value === "string" && node.value.includes(PLACEHOLDER)) {
      const pieces = node.value.split(PLACEHOLDER).map((piece) => JSON.stringify(piece));
      const joined = pieces.length > 3 ? `[${pieces}].join(${FOLDER})` : pieces.join(`+${FOLDER}+`);
      // A key of an object cannot be computed without brackets.
      const key = parent?.type === "Property" && parent.key === node && !parent.computed;
      edits.push([node.start, node.end, key ? `[${joined}]` : `(${joined})`]);
    }
    if (node.type === "TemplateElement" && node.value.raw.includes(PLACEHOLDER)) {
      edits.push([node.start, node.end, node.value.raw.replaceAll(PLACEHOLDER, `\${${FOLDER}}`)]);
    }
  });
  let out = code;
  for (const [start, end, text] of edits.sort(([a], [b]) => b - a)) out = out.slice(0, start) + text + out.slice(end);
  if (out.includes(PLACEHOLDER)) throw new Error("an address of the site stands in a place that is not known");
  return out;
}

/**
 * A page with relative addresses. Its first script tells scripts the folder; its last makes the addresses of links
 * absolute before the site's script takes the page over, since it moves from page to page without loading them.
 *
 * @param {string} html
 * @param {string} page its place in the site
 */
export function relativePage(html, page) {
  const up = "../".repeat(page.split("/").length - 1) || "./";
  const first = `<script>${FOLDER}=new URL(${JSON.stringify(up)},location.href).pathname</script>`;
  const last = `<script>for(const a of document.querySelectorAll("a[href],img[src]"))for(const n of ["href","src"]){const v=a.getAttribute(n);if(v&&/^\\.\\.?\\//.test(v))a.setAttribute(n,new URL(v,location.href).pathname+new URL(v,location.href).search+new URL(v,location.href).hash)}</script>`;
  return html
    .replaceAll(`href="${PLACEHOLDER}"`, `href="${up}index.html"`)
    .replaceAll(PLACEHOLDER, up)
    .replace("<head>", `<head>${first}`)
    .replace("</body>", `${last}</body>`);
}

/** A style sheet that lies in `folder` of the site, with addresses relative to it. */
export function relativeStyle(css, sheet) {
  return css.replaceAll(PLACEHOLDER, "../".repeat(sheet.split("/").length - 1) || "./");
}

const CHANGES = { ".html": relativePage, ".css": relativeStyle, ".js": relativeScript };

/** Changes every file of a built site. */
export function makeRelative(folder) {
  for (const name of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    const change = CHANGES[path.extname(name)];
    if (change === undefined) continue;
    const file = path.join(folder, name);
    const text = readFileSync(file, "utf8");
    const changed = change(text, name.replaceAll("\\", "/"));
    if (changed !== text) writeFileSync(file, changed);
  }
}
