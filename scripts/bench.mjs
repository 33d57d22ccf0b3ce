/** @file `npm run bench`: compiles bench/run.ts with the sources it imports and runs it. What follows `--` goes to it. */
import { existsSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { root, run, runScript } from "./run.mjs";

const entry = path.join(root, "bench", "run.ts");
const outfile = path.join(root, "build", "bench", "run.mjs");

async function bench() {
  if (!existsSync(entry)) {
    console.error("bench: nothing to run; expected bench/run.ts");
    return 1;
  }
  // Measured is what the sources say now, kernels too.
  if ((await runScript("build-wasm.mjs")) !== 0) return 1;
  await build({
    absWorkingDir: root,
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    packages: "external",
    sourcemap: "inline",
    logLevel: "warning",
  });
  return run(process.execPath, ["--enable-source-maps", outfile, ...process.argv.slice(2)]);
}

process.exitCode = await bench();
