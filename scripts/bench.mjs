/** @file `npm run bench`: `coarsegrad bench` of what the sources say now, kernels too. What follows `--` goes to it. */
import path from "node:path";
import { bundleCli } from "./bundle-cli.mjs";
import { root, run } from "./run.mjs";

const outfile = path.join(root, "build", "bench", "main.js");

async function bench() {
  // Rows are on stdout, all else is not.
  const kernels = await run(process.execPath, [path.join(root, "scripts", "build-wasm.mjs")], {
    stdio: ["inherit", 2, 2],
  });
  if (kernels !== 0) return 1;
  await bundleCli(outfile);
  return run(process.execPath, [outfile, "bench", ...process.argv.slice(2)]);
}

process.exitCode = await bench();
