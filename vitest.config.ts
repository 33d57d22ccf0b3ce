import { readFileSync } from "node:fs";
import path from "node:path";
import { defineConfig, type Plugin } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
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

/** Files that take longest, found by measuring: begun first, so that no worker is left with one of them at the end. */
const LONG = [
  "cli/",
  "export/models",
  "kernels/",
  "doors/",
  "onnx/",
  "fuzz/",
  "node/run-folder-faults",
  "package/",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      LONG.some((part) => moduleId.includes(`/test/${part}`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

export default defineConfig({
  plugins: [textImports],
  define: { COARSEGRAD_VERSION: JSON.stringify(version) },
  test: {
    include: ["test/**/*.test.ts"],
    setupFiles: ["test/setup.ts"],
    globalSetup: ["test/global-setup.ts"],
    sequence: { sequencer: LongestFirst },
    // Limits are for what hangs: a machine that does other work beside the tests is not a failure.
    testTimeout: 120_000,
    hookTimeout: 300_000,
    pool: "forks",
    maxWorkers: 2,
  },
});
