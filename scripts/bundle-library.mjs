/**
 * @file Joins the library's compiled modules into one file for each entry and for what entries share. Node pays about a
 * third of a millisecond for every file that it loads, and the sources are some two hundred. Entries keep their paths,
 * a module stays one module however it is reached, and what is loaded on demand (kernels for threads, for relaxed SIMD)
 * stays in files of its own.
 *
 * Beside each file is a source map that holds the sources, so that debuggers step into what was written.
 */
import { readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";

/** Files of package.json's exports that are modules, relative to dist. */
function entriesOf(exports) {
  return Object.values(exports).flatMap((target) =>
    typeof target === "object" ? [path.posix.relative("./dist", target.default)] : [],
  );
}

/**
 * Names a map's sources as they stand in the repository, and leaves out the text of those that hold bytes: they would
 * take as much room again.
 */
function tidyMap(outdir, name) {
  const file = path.join(outdir, name);
  const map = JSON.parse(readFileSync(file, "utf8"));
  const here = path.posix.dirname(name.split(path.sep).join("/"));
  const sources = map.sources.map((source) => {
    const inside = source
      .split("/")
      .filter((part) => part !== "..")
      .join("/");
    const known = inside.slice(inside.search(/(?:src|node_modules)\//));
    return path.posix.relative(path.posix.join("dist", here), known);
  });
  const sourcesContent = map.sourcesContent.map((text, i) =>
    sources[i].endsWith(".generated.ts") ? "// Bytes as text: see scripts/build.mjs of the repository.\n" : text,
  );
  writeFileSync(file, JSON.stringify({ ...map, sources, sourcesContent }));
}

/**
 * Replaces the modules in `folder` by the bundles. Declarations and the command line stay as they are.
 *
 * @param {string} root
 * @param {string} folder where the compiler wrote
 */
export async function bundleLibrary(root, folder) {
  const outdir = `${folder}-bundles`;
  const { exports, version } = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
  try {
    await build({
      absWorkingDir: folder,
      entryPoints: entriesOf(exports),
      outbase: ".",
      outdir,
      bundle: true,
      splitting: true,
      chunkNames: "shared/[name]-[hash]",
      format: "esm",
      platform: "neutral",
      target: "es2022",
      // koffi is an optional peer dependency: ranks of MPI import it late.
      external: ["node:*", "koffi"],
      define: { COARSEGRAD_VERSION: JSON.stringify(version) },
      sourcemap: true,
      logLevel: "warning",
    });
    const modules = (from) =>
      readdirSync(from, { recursive: true, encoding: "utf8" }).filter(
        (name) => /\.js(?:\.map)?$/.test(name) && name.split(path.sep)[0] !== "cli",
      );
    for (const name of modules(folder)) rmSync(path.join(folder, name));
    for (const name of modules(outdir)) if (name.endsWith(".map")) tidyMap(outdir, name);
    renameSync(path.join(outdir, "shared"), path.join(folder, "shared"));
    for (const name of modules(outdir)) renameSync(path.join(outdir, name), path.join(folder, name));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
