import { readdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { defineConfig, type Plugin } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { bundleScript } from "./scripts/bundle-cli.mjs";
import { useTemporaryRoot } from "./test/temporary-root.js";

const { version } = JSON.parse(readFileSync(new URL("package.json", import.meta.url), "utf8"));

/** What scripts/bundle-cli.mjs does for the command line: style sheets and `?script` modules are imported as text. */
const textImports: Plugin = {
  name: "text-imports",
  enforce: "pre",
  resolveId(source, importer) {
    if (!importer || !/(?:\.css|\?script)$/.test(source)) return null;
    const file = source.startsWith(".")
      ? path.resolve(path.dirname(importer), source)
      : createRequire(importer).resolve(source);
    // Without a style sheet's extension, or the bundler would take it for one.
    return `\0text:${file.replace(/\.css$/, "?css")}`;
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
  "export/c/agreement",
  "kernels/",
  "doors/",
  "onnx/",
  "fuzz/",
  "node/run-folder-faults",
  "package/",
  "frameworks/",
  "site/",
  "world/",
  "sweep/",
  "browser/report",
];

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const isLong = ({ moduleId }: TestSpecification): boolean =>
      LONG.some((part) => moduleId.includes(`/test/${part}`));
    const sorted = await super.sort(files);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

/**
 * What a file says that needs a process of its own: engines, memory counted from zero, stubs, threads, children. All
 * other files share the modules of their process, for reading the library once a file takes longer than most of their
 * tests.
 */
const ALONE =
  /\binit\(|kernels\/engine\.js|memory\(\)\.\w+\)\.toBe\(0\)|ownMemory\(|chdir|stubGlobal|spyOn|worker_threads|child_process|cli\/run\.js|\.\/run\.js/;

const files = readdirSync(path.join(import.meta.dirname, "test"), { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".test.ts"))
  .map((name) => path.posix.join("test", name.replaceAll("\\", "/")));
const alone = files.filter((name) => ALONE.test(readFileSync(path.join(import.meta.dirname, name), "utf8")));
const together = files.filter((name) => !alone.includes(name));
/** Tests of the command line run it in this process or start children; each command finds and leaves a fresh engine. */
const commands = alone.filter((name) => name.startsWith("test/cli/") && !/\/threads\./.test(name));

useTemporaryRoot();

export default defineConfig({
  plugins: [textImports],
  define: { COARSEGRAD_VERSION: JSON.stringify(version) },
  test: {
    projects: [
      { extends: true, test: { name: "alone", include: alone, exclude: commands, isolate: true } },
      { extends: true, test: { name: "commands", include: commands, isolate: false } },
      { extends: true, test: { name: "together", include: together, isolate: false } },
    ],
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
