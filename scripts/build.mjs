/**
 * @file Builds the package: kernels to WebAssembly, sources to JavaScript and declarations, the library to a few files,
 * the command line to one and one beside it.
 *
 * The build grows in a folder of its own and takes dist's place at the end, so that a failed or simultaneous build
 * never leaves a dist that is half of this and half of that.
 */
import { chmodSync, copyFileSync, existsSync, mkdirSync, readFileSync, renameSync, rmSync } from "node:fs";
import path from "node:path";
import { bundleCli } from "./bundle-cli.mjs";
import { bundleLibraries } from "./bundle-libraries.mjs";
import { bundleLibrary } from "./bundle-library.mjs";
import { finishDeclarations } from "./declarations.mjs";
import { root, runScript, runTool } from "./run.mjs";

const dist = path.join(root, "dist");
const manifest = JSON.parse(readFileSync(path.join(root, "package.json"), "utf8"));
const fresh = path.join(root, "build", `dist-${process.pid}`);
const old = path.join(root, "build", `dist-old-${process.pid}`);

async function step(name, work) {
  const start = performance.now();
  const code = await work();
  if (typeof code === "number" && code !== 0) throw new Error(`${name} failed`);
  console.log(`build: ${name} (${Math.round(performance.now() - start)} ms)`);
}

try {
  mkdirSync(fresh, { recursive: true });
  await step("kernels", () => runScript("build-wasm.mjs"));
  await step("runtime as text", () => runScript("build-module.mjs"));
  await step("library", () => runTool("tsc", ["-p", "tsconfig.build.json", "--outDir", fresh]));
  await step("declarations", () => finishDeclarations(fresh, manifest.exports));
  await step("libraries", () => bundleLibraries(fresh));
  await step("library, bundled", () => bundleLibrary(root, fresh));
  copyFileSync(path.join(root, "build", "kernels.wasm"), path.join(fresh, "kernels.wasm"));
  await step("command line", async () => {
    const main = path.join(fresh, "cli", "main.js");
    await bundleCli(main);
    chmodSync(main, 0o755);
  });
  if (existsSync(dist)) renameSync(dist, old);
  renameSync(fresh, dist);
} catch (error) {
  console.error(`build: ${error.message}`);
  process.exitCode = 1;
} finally {
  rmSync(fresh, { recursive: true, force: true });
  rmSync(old, { recursive: true, force: true });
}
