/** @file Mutants of the formulas: the source with one constant 1 % off, or one sign turned, compiled and loaded. */
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { pathToFileURL } from "node:url";
import { build } from "esbuild";
import type { Formulas } from "./formulas.js";

const theory = path.join(import.meta.dirname, "..", "..", "src", "theory");

/** Where a mutant differs: the text must occur exactly once in the file. */
export interface Mutation {
  readonly file: "population.ts" | "coarse.ts" | "quantized.ts";
  readonly from: string;
  readonly to: string;
}

const off = (file: Mutation["file"], from: string, number: string): Mutation => {
  const at = from.lastIndexOf(number);
  return { file, from, to: `${from.slice(0, at)}(1.01 * ${number})${from.slice(at + number.length)}` };
};

/** Every constant and every term of the formulas, 1 % off. */
export const MUTATIONS: readonly Mutation[] = [
  off("population.ts", "return 0.125 * (own - 2 * cross + target)", "0.125"),
  off("population.ts", "return 0.125 * (own - 2 * cross + target)", "own"),
  off("population.ts", "return 0.125 * (own - 2 * cross + target)", "cross"),
  off("population.ts", "return 0.125 * (own - 2 * cross + target)", "target"),
  off("population.ts", "const cross = (1 - (2 * theta) / Math.PI)", "theta"),
  off("population.ts", "0.25 * (v[i] + common)", "common"),
  off("population.ts", "0.25 * (v[i] + common)", "v[i]"),
  off("population.ts", "- 0.25 * overlap * u[i]", "0.25"),
  off("population.ts", "const overlap = 1 - (2 * theta) / Math.PI", "theta"),
  off("population.ts", "/ (2 * Math.PI * length)", "Math.PI"),
  off("population.ts", "const shift = (2 * total(teacherV))", "2"),
  off("coarse.ts", "const h = dot(v, v) + total(v) * total(v) - total(v) * total(u) + dot(v, u)", "dot(v, v)"),
  off("coarse.ts", "const h = dot(v, v) + total(v) * total(v) - total(v) * total(u) + dot(v, u)", "total(u)"),
  off("coarse.ts", "const h = dot(v, v) + total(v) * total(v) - total(v) * total(u) + dot(v, u)", "dot(v, u)"),
  off("coarse.ts", "const pull = dot(v, u) / (2 * SQRT_TWO_PI)", "2"),
  off("coarse.ts", "const radial = h / (2 * SQRT_TWO_PI)", "2"),
  off("coarse.ts", "- pull * (1 + cos)", "cos"),
  off("coarse.ts", "const square = dot(student.v, student.v) / SQRT_TWO_PI", "SQRT_TWO_PI"),
  off("coarse.ts", "const pull = dot(student.v, teacher.v) / SQRT_TWO_PI", "SQRT_TWO_PI"),
  off("coarse.ts", "const mean = normalDensity(0) - normalDensity(t)", "normalDensity(0)"),
  off("coarse.ts", "const mean = normalDensity(0) - normalDensity(t)", "normalDensity(t)"),
  off("coarse.ts", "along: 0.5 * normalDensity(0)", "0.5"),
  off("coarse.ts", "- normalDensity(t) * reach", "reach"),
  off("coarse.ts", "+ (cos / SQRT_TWO_PI) * inside", "cos"),
  off("coarse.ts", "across: (sin / SQRT_TWO_PI) * inside", "sin"),
  off("coarse.ts", "const radial = dot(v, v) * moments.own", "moments.own"),
  off("coarse.ts", "+ 0.5 * moments.mean * others", "0.5"),
  off("coarse.ts", "- dot(v, u) * moments.along", "moments.along"),
  off("coarse.ts", "radial, -dot(v, u) * moments.across", "moments.across"),
  off("coarse.ts", "({ sin }) => sin / (2 * SQRT_TWO_PI)", "2"),
  off("coarse.ts", "({ sin }) => sin / SQRT_TWO_PI", "SQRT_TWO_PI"),
  off("coarse.ts", "/ (2 * Math.PI * pose.length)", "2"),
  off("quantized.ts", "loss: 0.5 * own - cross", "own"),
  off("quantized.ts", "loss: 0.5 * own - cross", "cross"),
  off("quantized.ts", "const squareAlong = alpha *", "alpha"),
  off("quantized.ts", "sum + jumps[k] * target.slope(t)", "target.slope(t)"),
  off("quantized.ts", "const meanAlpha = mean / alpha", "mean"),
  off("quantized.ts", "const squareAlpha = (2 * square)", "2"),
  off("quantized.ts", "const productAlpha = product / alpha", "product"),
];

/** Compiles one mutant. @throws Error if its text does not occur exactly once */
async function compile(mutation: Mutation | null, outfile: string): Promise<void> {
  const entry = ["population", "coarse", "quantized"].map((name) => `export * from "./${name}.js";`).join("\n");
  await build({
    stdin: { contents: entry, resolveDir: theory, loader: "ts" },
    outfile,
    bundle: true,
    format: "esm",
    platform: "neutral",
    target: "es2022",
    plugins: [
      {
        name: "mutant",
        setup(builder) {
          builder.onLoad({ filter: /src\/theory\/\w+\.ts$/ }, ({ path: file }) => {
            const text = readFileSync(file, "utf8");
            if (mutation === null || path.basename(file) !== mutation.file) return { contents: text, loader: "ts" };
            const count = text.split(mutation.from).length - 1;
            if (count !== 1) throw new Error(`${mutation.file} has "${mutation.from}" ${count} times`);
            return { contents: text.replace(mutation.from, () => mutation.to), loader: "ts" };
          });
        },
      },
    ],
  });
}

/** Calls `visit` with the formulas of each mutant; null is the unchanged source, compiled the same way. */
export async function eachMutant(
  mutations: readonly (Mutation | null)[],
  visit: (mutation: Mutation | null, formulas: Formulas) => void,
): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), "coarsegrad-mutants-"));
  try {
    for (const [i, mutation] of mutations.entries()) {
      const file = path.join(folder, `${i}.mjs`);
      await compile(mutation, file);
      visit(mutation, (await import(pathToFileURL(file).href)) as Formulas);
    }
  } finally {
    rmSync(folder, { recursive: true });
  }
}
