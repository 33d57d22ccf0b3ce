/**
 * @file `kill -9` at random moments of the command line's training, with and without --force: what goes on ends with
 * the same weights.
 */
import { cpSync, existsSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { Rng } from "../../src/core/rng.js";
import { outcomeOf, Workbench } from "../cli/run.js";

const SMALL = "train --model mlp --limit 256 --test-limit 64 --epochs 3 --batch 32 --threads 1 --quiet".split(" ");
const FILES = ["checkpoint.safetensors", "config.json", "metrics.jsonl", "model.cgm", "summary.json"];

/**
 * Kills runs at random moments.
 *
 * @returns how many were killed before they ended
 * @throws Error that says what was lost or mixed
 */
export async function run(count: number, seed: number): Promise<number> {
  const rng = new Rng(seed);
  const bench = await Workbench.open();
  const weights = (folder: string): string =>
    JSON.parse(readFileSync(bench.file(folder, "summary.json"), "utf8")).weightsSha256;
  const train = (folder: string, ...args: string[]): string[] => [...SMALL, "--out", folder, ...args];
  const complete = async (args: string[], what: string, own = false): Promise<void> => {
    const { code, stderr } = await (own ? bench.child(...args) : bench.run(...args));
    if (code !== 0) throw new Error(`${what}: ${args.join(" ")} gave ${code}: ${stderr}`);
  };
  let killed = 0;
  try {
    await complete(train("old"), "first run");
    const started = performance.now();
    // As long as the runs that are killed: in a process of its own.
    await complete(train("new", "--seed", "2"), "second run", true);
    const whole = performance.now() - started;
    for (let n = 0; n < count; n++) {
      const force = rng.u32() % 2 === 0;
      const delay = (rng.u32() % 1000) / 1000;
      const what = `seed ${seed}, kill ${n + 1} (${force ? "--force" : "new"}, at ${Math.round(delay * whole)} ms)`;
      rmSync(bench.file("run"), { recursive: true, force: true });
      if (force) cpSync(bench.file("old"), bench.file("run"), { recursive: true });
      const args = train("run", "--seed", "2", ...(force ? ["--force"] : []));
      const child = bench.start(...args);
      const timer = setTimeout(() => child.kill("SIGKILL"), delay * whole);
      if ((await outcomeOf(child)).code === null) killed++;
      clearTimeout(timer);
      if (force || existsSync(bench.file("run", "config.json"))) {
        await complete(["train", "--resume", "--out", "run", "--quiet"], what);
        const allowed = force ? [weights("old"), weights("new")] : [weights("new")];
        if (!allowed.includes(weights("run"))) throw new Error(`${what}: other weights after --resume`);
      }
      await complete([...train("run", "--seed", "2"), "--force"], what);
      if (weights("run") !== weights("new")) throw new Error(`${what}: other weights after --force`);
      const left = readdirSync(bench.file("run")).sort().join(", ");
      if (left !== FILES.join(", ")) throw new Error(`${what}: left ${left}`);
    }
  } finally {
    bench.close();
  }
  return killed;
}
