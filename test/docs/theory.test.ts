/**
 * @file docs/theory.md says what the command says: the committed numbers are those of seed 1, to the byte, and the
 * page's are theirs.
 */
import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, expect, it } from "vitest";
import { committedOutcome, fillPage } from "../../scripts/theory-page.mjs";
import { Workbench } from "../cli/run.js";

const docs = path.resolve(import.meta.dirname, "..", "..", "docs");
const page = readFileSync(path.join(docs, "theory.md"), "utf8");

interface Report {
  seed: number;
  topics: { topic: string; claims: { claim: string; figure: string | null; holds: boolean }[]; files: string[] }[];
}

let bench: Workbench;
let report: Report;
beforeAll(async () => {
  bench = await Workbench.open();
  report = await bench.childJson<Report>("theory", "all", "--seed", "1", "--out", bench.file("theory"));
  // A quarter of a minute where nothing else runs.
}, 300_000);
afterAll(() => bench?.close());

it("the command gives the committed numbers, byte for byte, and the committed figures by name", () => {
  const files = report.topics.flatMap((topic) => topic.files).sort();
  expect(files).toEqual(readdirSync(path.join(docs, "theory")).sort());
  for (const file of files.filter((name) => name.endsWith(".json"))) {
    const [fresh, committed] = [bench.file("theory", file), path.join(docs, "theory", file)].map((name) =>
      readFileSync(name),
    );
    expect(fresh.equals(committed), `${file} is not what the command writes; see scripts/theory-page.mjs`).toBe(true);
  }
});

it("figures stand alone, have text, and hold no missing numbers", () => {
  const figures = report.topics.flatMap((topic) => topic.files).filter((name) => name.endsWith(".svg"));
  expect(figures.length).toBeGreaterThan(8);
  for (const file of figures) {
    const svg = readFileSync(bench.file("theory", file), "utf8");
    expect(svg).toMatch(/^<svg [^>]*xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    expect(svg.match(/<text/g)?.length ?? 0).toBeGreaterThan(8);
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  }
});

it("every claim names a figure that is there", () => {
  for (const { claims, files } of report.topics) {
    for (const { figure } of claims) if (figure !== null) expect(files).toContain(`${figure}.svg`);
  }
});

it("the page's tables are those of the committed numbers, and it shows every figure", () => {
  expect(fillPage(page, committedOutcome)).toBe(page);
  for (const topic of report.topics) expect(page).toContain(`<!-- numbers: ${topic.topic} -->`);
  for (const file of report.topics.flatMap((topic) => topic.files)) {
    if (file.endsWith(".svg")) expect(page).toContain(`](theory/${file})`);
  }
});

it("verdicts are printed too", async () => {
  const { code, stdout } = await bench.run("theory", "descent", "--seed", "2", "--out", bench.file("other"));
  expect(code).toBe(0);
  expect(stdout).toMatch(/^descent\n {2}holds +0 < η/);
  expect(stdout).toContain("does not hold");
});
