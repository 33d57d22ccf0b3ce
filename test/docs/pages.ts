/** @file Programs of the documentation's pages, to be run. */
import { readFileSync } from "node:fs";
import path from "node:path";
import { root } from "../../scripts/run.mjs";

/** The JavaScript blocks of a page of docs/, in order. */
export function programsOf(page: string): string[] {
  const text = readFileSync(path.join(root, "docs", page), "utf8");
  return [...text.matchAll(/```js\n([\s\S]*?)```/g)].map(([, block]) => block);
}
