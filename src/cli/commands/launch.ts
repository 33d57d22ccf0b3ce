/** @file `coarsegrad launch`: a script of one's own on several ranks. */
import { availableParallelism } from "node:os";
import type { Command } from "commander";
import { launchRanks } from "../../node/world/launch.js";
import { real } from "../../run/kinds.js";
import { command, onRun } from "../options/command.js";
import { option } from "../options/option.js";
import { threadNumber } from "../options/threads.js";
import type { CommonOptions } from "../ui/terminal.js";

interface LaunchCommandOptions extends CommonOptions {
  ranks: number | "auto";
  rankLimit?: number;
}

/** The command. */
export function launchCommand(): Command {
  const made = command({
    name: "launch",
    summary: "a script of your own on several ranks",
    description:
      "Runs a JavaScript module on several threads, each of which runs all of it: in the script `const world = await joinWorld()` (from coarsegrad/node) tells which rank it is, and `fit(net, data, { shards, world })` shares the work. The same script runs on several machines under mpirun.",
    args: [
      ["<script>", "JavaScript module"],
      ["[arguments...]", "arguments of the script"],
    ],
    examples: ["coarsegrad launch --ranks 4 train.mjs", "mpirun -n 4 node train.mjs"],
  });
  option(made, "--ranks <n>", "threads that run the script, or auto: one for each processor", threadNumber, "auto");
  option(made, "--rank-limit <seconds>", "seconds that a rank may be late (default: 60)", real({ min: 0.1 }));
  made.passThroughOptions();
  return onRun<LaunchCommandOptions>(made, async ({ ranks, rankLimit }, [script, ...args], terminal) => {
    const number = ranks === "auto" ? availableParallelism() : ranks;
    await launchRanks(script, { ranks: number, args, limitSeconds: rankLimit });
    terminal.result({ script, ranks: number }, () => `${script}: ${number} ranks ended`);
  });
}
