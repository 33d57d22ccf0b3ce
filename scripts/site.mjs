/**
 * @file `npm run site`: guide, reference and playground as static files in build/site, or in the folder that is named.
 * `npm run site:dev` serves them while they are written.
 */
import { existsSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { root } from "./run.mjs";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { dev: { type: "boolean" }, port: { type: "string" } },
});
if (!existsSync(path.join(root, "site", "tools", "node_modules", "typedoc"))) {
  throw new Error("the tools of the site are not installed: npm ci brings them");
}
const { buildSite, serveSite } = await import("../site/tools/site.mjs");
if (values.dev) {
  await serveSite(values.port === undefined ? undefined : Number(values.port));
} else {
  const warnings = await buildSite(path.resolve(positionals[0] ?? path.join(root, "build", "site")));
  for (const warning of warnings) console.warn(warning);
  if (warnings.length > 0) process.exitCode = 1;
}
