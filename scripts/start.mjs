/** @file `npm start`: builds if needed and runs the quickstart. What follows `--` goes to it. */
import path from "node:path";
import { buildIsStale, root, run, runScript } from "./run.mjs";

const built = buildIsStale() ? await runScript("build.mjs") : 0;
const main = path.join(root, "dist", "cli", "main.js");
process.exitCode = built || (await run(process.execPath, [main, "quickstart", ...process.argv.slice(2)]));
