import { readFileSync } from "node:fs";
import path from "node:path";
import { defineConfig, type Plugin } from "vitest/config";
import { bundleScript } from "./scripts/bundle-cli.mjs";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

/** What scripts/bundle-cli.mjs does for the command line: style sheets and `?script` modules are imported as text. */
const textImports: Plugin = {
  name: "text-imports",
  enforce: "pre",
  resolveId(source, importer) {
    if (!importer || !/^\.{1,2}\/.*(?:\.css|\?script)$/.test(source)) return null;
    // Without a style sheet's extension, or the bundler would take it for one.
    return `\0text:${path.resolve(path.dirname(importer), source).replace(/\.css$/, "?css")}`;
  },
  async load(id) {
    if (!id.startsWith("\0text:")) return null;
    const [file, kind] = id.slice("\0text:".length).split("?");
    const text = kind === "css" ? readFileSync(`${file}.css`, "utf8") : await bundleScript(file);
    return `export default ${JSON.stringify(text)};`;
  },
};

export default defineConfig({
  plugins: [textImports],
  define: { COARSEGRAD_VERSION: JSON.stringify(version) },
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    // Limits are for what hangs: a machine that does other work beside the tests is not a failure.
    testTimeout: 120_000,
    hookTimeout: 300_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
