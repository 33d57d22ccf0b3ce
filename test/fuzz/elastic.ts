/**
 * @file `kill -9` at random moments of runs on several ranks, which go on with other numbers of ranks, from checkpoints
 * within epochs: they end with the bytes of an uninterrupted run on one.
 */
import { existsSync, readFileSync, rmSync } from "node:fs";
import { Rng } from "../../src/core/rng.js";
import { outcomeOf, Workbench } from "../cli/run.js";

const RUN = "train --model lenet5 --data digits --limit 256 --test-limit 32 --bits 1W4A --epochs 2 --batch 32".split(
  " ",
);
const HOW = [...RUN, "--shards", "8", "--checkpoint-every", "2", "--quiet"];
/** Ranks of the parts of a run; the last one is not killed. */
const RANKS = [4, 3, 2];

/**
 * Kills runs at random moments.
 *
 * @param count kills
 * @returns how many came before the run had ended
 * @throws Error that says which run ended otherwise
 */
export async function run(count: number, seed: number): Promise<number> {
  const rng = new Rng(seed);
  const bench = await Workbench.open();
  const checkpoint = (folder: string): Buffer => readFileSync(bench.file(folder, "checkpoint.safetensors"));
  const part = (ranks: number): string[] => {
    const begun = existsSync(bench.file("run", "config.json"));
    const how = begun ? ["train", "--resume", "--checkpoint-every", "2", "--quiet"] : HOW;
    return [...how, "--ranks", `${ranks}`, "--out", "run"];
  };
  let killed = 0;
  try {
    const started = performance.now();
    const first = await bench.child(...HOW, "--ranks", "1", "--out", "whole");
    if (first.code !== 0) throw new Error(first.stderr);
    const whole = performance.now() - started;
    for (let n = 0; n < count; ) {
      rmSync(bench.file("run"), { recursive: true, force: true });
      for (const ranks of RANKS.slice(0, -1)) {
        n++;
        const child = bench.start(...part(ranks));
        const timer = setTimeout(() => child.kill("SIGKILL"), rng.uniform() * whole);
        if ((await outcomeOf(child)).code === null) killed++;
        clearTimeout(timer);
      }
      const what = `seed ${seed}, kills ${n - 1} and ${n}`;
      const { code, stderr } = await bench.child(...part(RANKS[RANKS.length - 1]));
      if (code !== 0) throw new Error(`${what}: ${stderr}`);
      if (!checkpoint("run").equals(checkpoint("whole"))) throw new Error(`${what}: other bytes`);
    }
  } finally {
    bench.close();
  }
  return killed;
}
