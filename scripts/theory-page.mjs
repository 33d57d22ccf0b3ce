/**
 * @file Fills the tables of docs/theory.md with the verdicts and numbers in docs/theory/*.json, which
 * `coarsegrad theory` wrote.
 *
 *     npx coarsegrad theory all --seed 1 --out docs/theory && node scripts/theory-page.mjs
 */
import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { root } from "./run.mjs";

const page = path.join(root, "docs", "theory.md");

/** The table of one experiment. */
function tableOf({ claims }) {
  const cell = (text) => text.replaceAll("|", "\\|");
  const rows = claims.map(
    ({ claim, evidence, holds }) => `| ${cell(claim)} | ${cell(evidence)} | ${holds ? "holds" : "**does not hold**"} |`,
  );
  return ["| claim | numbers | verdict |", "| --- | --- | --- |", ...rows].join("\n");
}

/**
 * The page with every block between `<!-- numbers: TOPIC -->` and `<!-- /numbers -->` made anew.
 *
 * @param {string} text the page
 * @param {(topic: string) => { seed: number, claims: { claim: string, evidence: string, holds: boolean }[] }} outcomeOf
 * @returns {string}
 */
export function fillPage(text, outcomeOf) {
  return text.replace(
    /(<!-- numbers: (\w+) -->\n)[\s\S]*?(<!-- \/numbers -->)/g,
    (_, open, topic, close) => `${open}\n${tableOf(outcomeOf(topic))}\n\n${close}`,
  );
}

/** The committed outcome of an experiment. */
export function committedOutcome(topic) {
  return JSON.parse(readFileSync(path.join(root, "docs", "theory", `${topic}.json`), "utf8"));
}

if (path.resolve(process.argv[1] ?? "") === fileURLToPath(import.meta.url)) {
  writeFileSync(page, fillPage(readFileSync(page, "utf8"), committedOutcome));
}
