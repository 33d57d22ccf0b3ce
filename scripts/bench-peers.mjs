/** @file `npm run bench:peers`: installs the peers in bench/peers if need be, builds, and measures us beside them. */
import { existsSync } from "node:fs";
import path from "node:path";
import { build } from "esbuild";
import { buildIsStale, npm, root, run } from "./run.mjs";

const folder = path.join(root, "bench", "peers");
const outfile = path.join(folder, "build", "run.mjs");
/** Results are on stdout, all else is not. */
const aside = { stdio: ["inherit", 2, 2] };

async function benchPeers() {
  if (!existsSync(path.join(folder, "node_modules"))) {
    console.error("bench: installing the peers (about 500 MB, in bench/peers/node_modules)");
    // Their packages hold all that one thread on a CPU needs; install scripts would fetch more.
    const args = ["install", "--ignore-scripts", "--no-package-lock", "--no-audit", "--no-fund"];
    const code = await run(process.execPath, [npm(), ...args], { ...aside, cwd: folder });
    if (code !== 0) return code;
  }
  if (buildIsStale() && (await run(process.execPath, [path.join(root, "scripts", "build.mjs")], aside)) !== 0) return 1;
  await build({
    absWorkingDir: root,
    entryPoints: [path.join(folder, "run.ts")],
    outfile,
    bundle: true,
    platform: "node",
    format: "esm",
    target: "node20",
    sourcemap: "inline",
    logLevel: "warning",
  });
  const library = path.join(root, "dist", "index.js");
  return run(process.execPath, [outfile, "--library", library, ...process.argv.slice(2)]);
}

process.exitCode = await benchPeers();
