/** @file docs/sweeps.md: its plan is one, its runs are called as it says, and it names every field and what is there. */
import { existsSync, readFileSync } from "node:fs";
import path from "node:path";
import { expect, it } from "vitest";
import { expandPlan } from "../../src/sweep/expand.js";
import { parsePlan } from "../../src/sweep/plan.js";

const docs = path.join(import.meta.dirname, "..", "..", "docs");
const page = readFileSync(path.join(docs, "sweeps.md"), "utf8");
const plan = JSON.parse(/```json\n([\s\S]*?)```/.exec(page)?.[1] ?? "null");

it("its plan expands to the runs of its table, which start from each other as it says", () => {
  const runs = expandPlan(parsePlan(plan, "plan.json"));
  const listed = [...page.matchAll(/^(\S+) +3 of 3 /gm)].map(([, group]) => group);
  expect([...new Set(runs.map(({ group }) => group))]).toEqual(listed);
  expect(runs.find(({ name }) => name === "rho/1e-5-seed-2")).toMatchObject({ from: "float/seed-2", verify: true });
  expect(runs.find(({ name }) => name === "rho/0-seed-1")?.title).toBe("1W4A, ρ = 0");
});

it("it names the fields that a plan may have, and no others", () => {
  const refusal = (content: unknown): string => {
    try {
      parsePlan(content, "p");
      return "";
    } catch (error) {
      return (error as Error).message;
    }
  };
  const known = [refusal({ x: 1 }), refusal({ runs: { a: { x: 1 } } })].flatMap((text) =>
    (/expected ([\w, ]+)$/.exec(text)?.[1] ?? "").split(", "),
  );
  const named = [...page.matchAll(/^\| `(\w+)` \| (?:plan|entry)/gm)].map(([, field]) => field);
  expect(named.sort()).toEqual([...new Set(known)].sort());
});

it("its links lead somewhere", () => {
  const links = [...page.matchAll(/\]\((?!https?:|#)([^)#]+)/g)].map(([, link]) => link);
  expect(links.filter((link) => !existsSync(path.join(docs, link)))).toEqual([]);
  expect(links.length).toBeGreaterThan(1);
});
