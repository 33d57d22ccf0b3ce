/**
 * @file `coarsegrad theory`: the experiments on coarse gradients, their figures and numbers, and a verdict per claim.
 */
import path from "node:path";
import type { Command } from "commander";
import { choice, text } from "../../run/kinds.js";
import { type Claim, type ExperimentData, experiments, figures, type Outcome, type Topic } from "../../theory/index.js";
import { command, onRun } from "../options/command.js";
import { option } from "../options/option.js";
import { makeOutputFolder, type Output, saveOutputs } from "../options/output.js";
import type { CommonOptions } from "../ui/terminal.js";

interface TheoryOptions extends CommonOptions {
  seed: number;
  out: string;
}

const TOPICS = Object.keys(experiments) as Topic[];

/** The command. */
export function theoryCommand(): Command {
  const made = command({
    name: "theory",
    summary: "experiments on coarse gradients, with figures and verdicts",
    description:
      "Runs the experiments behind docs/theory.md and says of each claim whether it holds. Writes one SVG per figure and one JSON file per experiment with all numbers; the same seed gives the same JSON, byte for byte, on every machine.",
    args: [["[topic]", `${TOPICS.join(", ")} or all (default)`]],
    examples: [
      "coarsegrad theory",
      "coarsegrad theory correlation --seed 7",
      "coarsegrad theory all --out runs/theory --json",
    ],
  });
  option(made, "--out <dir>", "folder for figures and numbers", text, "runs/theory");
  return onRun<TheoryOptions>(made, async ({ seed, out }, [given = "all"], terminal) => {
    const topic = choice([...TOPICS, "all"]).read(given, "theory");
    const topics = topic === "all" ? TOPICS : [topic];
    await makeOutputFolder(out);
    const reports: { topic: Topic; claims: readonly Claim[]; files: string[] }[] = [];
    for (const name of topics) {
      const start = performance.now();
      const { claims, files } = await runTopic(name, seed, out);
      reports.push({ topic: name, claims, files });
      terminal.note(`${name}: ${((performance.now() - start) / 1000).toFixed(1)} s, ${files.join(", ")}`);
    }
    terminal.result({ seed, out: path.resolve(out), topics: reports }, () =>
      [...reports.map(({ topic: name, claims }) => verdicts(name, claims)), `figures and numbers: ${out}`].join("\n\n"),
    );
  });
}

/** Runs one experiment and writes its files. @returns its claims and the names of the files */
async function runTopic<T extends Topic>(
  topic: T,
  seed: number,
  out: string,
): Promise<{ claims: readonly Claim[]; files: string[] }> {
  const run: (seed: number) => Outcome<ExperimentData[T]> = experiments[topic];
  const outcome = run(seed);
  // Loaded here: charting would double the time that every other command takes to start.
  const { renderSvg } = await import("../theory/render.js");
  const outputs: Output[] = [[path.join(out, `${topic}.json`), `${JSON.stringify(outcome)}\n`]];
  for (const [name, spec] of Object.entries(figures[topic](outcome.data))) {
    outputs.push([path.join(out, `${name}.svg`), await renderSvg(spec)]);
  }
  await saveOutputs(outputs);
  return { claims: outcome.claims, files: outputs.map(([file]) => path.basename(file)) };
}

function verdicts(topic: string, claims: readonly Claim[]): string {
  const lines = claims.map(({ claim, evidence, figure, holds }) =>
    [
      `  ${holds ? "holds         " : "does not hold "} ${claim}`,
      `                 ${evidence}${figure === null ? "" : ` [${figure}.svg]`}`,
    ].join("\n"),
  );
  return [topic, ...lines].join("\n");
}
