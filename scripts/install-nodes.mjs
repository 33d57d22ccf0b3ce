/**
 * @file Puts other Nodes into build/node22 and build/node24, for tests that show that engines agree; they skip by name
 * without them. Too big for dependencies.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { node22, node24, npm, root, run } from "./run.mjs";

const NODES = [
  { name: "node22", version: "22.23.3", program: node22 },
  { name: "node24", version: "24.21.0", program: node24 },
];

const platform = process.platform === "win32" ? "win" : process.platform;
for (const { name, version, program } of NODES) {
  if (existsSync(program)) continue;
  const spec = `${name}@npm:node-${platform}-${process.arch}@${version}`;
  const into = ["--prefix", path.join(root, "build", name), "--no-save", "--ignore-scripts"];
  const code = await run(process.execPath, [npm(), "install", ...into, spec]);
  if (code !== 0) process.exitCode = code;
}
