/**
 * @file Joins the library's compiled modules into one file for each entry and for what entries share. Node pays about a
 * third of a millisecond for every file that it loads, and the sources are some two hundred. Entries keep their paths,
 * a module stays one module however it is reached, and what is loaded on demand (kernels for threads, for relaxed SIMD)
 * stays in files of its own.
 *
 * The compiler leaves `using` as it stands (tsconfig.build.json), so that one copy of what it becomes serves all modules.
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
 * Rare kinds of nodes, which the packed runtime imports late. They are in a file that imports nothing: a bundler that
 * splits by what is shared would cut the runtime of every page in two for them. What they use is in it once more.
 */
const RARE = "infer/rare.js";
/** What may not be there twice: the running engine, and classes that are told apart by what they are. */
const ONCE = /(?:^|\/)(?:kernels\/(?:engine|wasm)|memory\/|core\/errors)/;

/**
 * Modules that bundles import instead of holding them: rare kinds, and the packed runtime as text, which the command
 * line imports too and the package would hold twice.
 */
const BESIDE = [RARE, "export/runtime.generated.js"];

/** What stands in front of their paths until it is known how deep the importing bundle lies. */
const MARK = "coarsegrad:beside/";
/** Imports of them stay imports. */
const importedBeside = {
  name: "imported beside",
  setup({ onResolve }) {
    onResolve({ filter: /\/(?:rare|runtime\.generated)\.js$/ }, ({ path: asked, resolveDir }) => {
      const file = path.join(resolveDir, asked).split(path.sep).join("/");
      const module = BESIDE.find((name) => file.endsWith(`/${name}`));
      return module === undefined ? undefined : { path: MARK + module, external: true };
    });
  },
};

/** Writes their paths where they are imported. @param {string} outdir @param {string} name of a bundle in it */
function placeBeside(outdir, name) {
  const file = path.join(outdir, name);
  const text = readFileSync(file, "utf8");
  if (!text.includes(MARK)) return;
  const here = path.posix.dirname(name.split(path.sep).join("/"));
  const placed = BESIDE.reduce((all, module) => {
    const way = path.posix.relative(here, module);
    return all.replaceAll(MARK + module, way.startsWith(".") ? way : `./${way}`);
  }, text);
  writeFileSync(file, placed);
}

/** @param {string} folder where the compiler wrote */
async function bundleRare(folder) {
  const { metafile } = await build({
    absWorkingDir: folder,
    entryPoints: [RARE],
    outfile: RARE,
    allowOverwrite: true,
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    sourcemap: true,
    metafile: true,
    logLevel: "warning",
  });
  const { inputs } = metafile.outputs[RARE];
  const twice = Object.entries(inputs).filter(([name, { bytesInOutput }]) => bytesInOutput > 0 && ONCE.test(name));
  if (twice.length > 0) throw new Error(`rare kinds hold what may be there only once: ${twice.map(([name]) => name)}`);
}

/**
 * Replaces the modules in `folder` by the bundles. Declarations and the command line stay as they are.
 *
 * @param {string} root
 * @param {string} folder where the compiler wrote
 */
export async function bundleLibrary(root, folder) {
  await bundleRare(folder);
  for (const name of BESIDE) tidyMap(folder, `${name}.map`);
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
      plugins: [importedBeside],
      define: { COARSEGRAD_VERSION: JSON.stringify(version) },
      sourcemap: true,
      logLevel: "warning",
    });
    const modules = (from) =>
      readdirSync(from, { recursive: true, encoding: "utf8" }).filter(
        (name) =>
          /\.js(?:\.map)?$/.test(name) &&
          name.split(path.sep)[0] !== "cli" &&
          !BESIDE.some((module) => name.startsWith(path.join(...module.split("/")))),
      );
    for (const name of modules(folder)) rmSync(path.join(folder, name));
    for (const name of modules(outdir)) {
      if (name.endsWith(".map")) tidyMap(outdir, name);
      else placeBeside(outdir, name);
    }
    renameSync(path.join(outdir, "shared"), path.join(folder, "shared"));
    for (const name of modules(outdir)) renameSync(path.join(outdir, name), path.join(folder, name));
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
