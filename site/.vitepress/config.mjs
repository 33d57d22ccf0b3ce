/** @file The guide's frame: what stands in its bars, and where its pages are. */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { defineConfig } from "vitepress";
import { entries } from "../tools/reference.mjs";
import { guide } from "./sidebar.mjs";

const root = path.resolve(import.meta.dirname, "..", "..");
const pages = path.join(root, "build", "site-pages");
const { version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));

/** The reference's pages, in the order of the package's entries. */
function reference() {
  return entries().map(({ name, specifier }) => {
    const module = name === "coarsegrad" ? "index" : name;
    const folder = path.join(pages, "reference", module);
    if (!existsSync(folder)) return { text: specifier, link: `/reference/${module}` };
    const inside = readdirSync(path.join(folder, "namespaces")).map((file) => ({
      text: path.basename(file, ".md"),
      link: `/reference/${module}/namespaces/${path.basename(file, ".md")}`,
    }));
    return { text: specifier, link: `/reference/${module}/`, items: inside };
  });
}

const playground = existsSync(path.join(root, "site", "playground", "build.mjs"));

export default defineConfig({
  lang: "en",
  title: "coarsegrad",
  titleTemplate: ":title – coarsegrad",
  description: "Train and ship fully quantized neural networks in TypeScript",
  srcDir: path.relative(path.join(root, "site"), pages),
  cacheDir: path.join(root, "build", "site-cache"),
  cleanUrls: false,
  ignoreDeadLinks: [/^\/playground\//],
  metaChunk: true,
  head: [["link", { rel: "icon", href: "data:," }]],
  markdown: { theme: { light: "github-light-high-contrast", dark: "github-dark-high-contrast" } },
  themeConfig: {
    nav: [
      { text: "Guide", link: "/guide/quick-start-web", activeMatch: "^/guide/" },
      { text: "Examples", link: "/examples/" },
      { text: "Reference", link: "/reference/", activeMatch: "^/reference/" },
      { text: "Documents", link: "/docs/features", activeMatch: "^/docs/" },
      ...(playground ? [{ text: "Playground", link: "/playground/index.html", target: "_self" }] : []),
    ],
    sidebar: {
      "/guide/": guide,
      "/docs/": guide,
      "/examples/": guide,
      "/reference/": [{ text: `Reference, version ${version}`, items: reference() }],
    },
    outline: { level: [2, 3], label: "On this page" },
    search: { provider: "local" },
    externalLinkIcon: true,
    footer: { message: `coarsegrad ${version}, MIT licence` },
  },
  vite: { logLevel: "warn" },
});
