/**
 * @file Runs the CIFAR-10 study, as many runs at a time as there are jobs, each on one thread or more. It can be
 * stopped or killed at any moment: the next call goes on from the last complete epoch of every run, with the same final
 * bits.
 */
import { existsSync, mkdirSync } from "node:fs";
import path from "node:path";
import { parseArgs } from "node:util";
import { built, coarsegrad, root, StoppedError } from "./command.mjs";
import { Folder, writeWhole } from "./folder.mjs";
import { hours, Progress } from "./progress.mjs";
import { matching, PRETRAINED, withSources } from "./study.mjs";
import { writeTables } from "./tables.mjs";

const HELP = `Usage: node experiments/cifar10/run.mjs [run|list|tables] --out DIR [options]

  run            train what is missing (the default)
  list           show the runs and what is done
  tables         write results.jsonl and the tables of docs/reproduction.md from what is done

  --out DIR      the study's folder, outside the repository
  --only P,…     only runs whose id contains P (* stands for anything), and what they start from
  --jobs N       runs at a time (default 2)
  --threads N    threads of each run (default 1); the bits do not depend on it
  --list         the same as list
  --renew        go on with the present build; otherwise the study keeps to the one that it began with
  --data-dir D   folder with cifar-10/ and pretrained/ (default: COARSEGRAD_DATA);
                 no other is looked in
  --evidence D   where results.jsonl goes (default: experiments/cifar10)
  --document F   the page whose tables are filled (default: docs/reproduction.md)
  --epochs N, --limit N, --test-limit N
                 for trying the script out: other epochs, fewer images. Tables of such runs say so
`;

function options() {
  const text = { type: "string" };
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      out: text,
      only: text,
      jobs: { type: "string", default: "2" },
      threads: { type: "string", default: "1" },
      list: { type: "boolean" },
      renew: { type: "boolean", default: false },
      help: { type: "boolean", short: "h" },
      "data-dir": text,
      evidence: { type: "string", default: path.join(root, "experiments", "cifar10") },
      document: { type: "string", default: path.join(root, "docs", "reproduction.md") },
      epochs: text,
      limit: text,
      "test-limit": text,
    },
  });
  if (values.help) return { action: "help" };
  const action = values.list ? "list" : (positionals[0] ?? "run");
  if (!["run", "list", "tables"].includes(action) || positionals.length > 1)
    throw new Error(`unknown action; expected run, list or tables, got ${positionals.join(" ")}`);
  if (values.out === undefined) throw new Error("no folder; expected --out DIR, got none");
  const whole = (name, least) => {
    const value = values[name];
    if (value === undefined) return undefined;
    if (!/^\d+$/.test(value) || Number(value) < least)
      throw new Error(`--${name}: expected a whole number >= ${least}, got ${value}`);
    return Number(value);
  };
  const runs = withSources(matching(values.only?.split(",").filter(Boolean) ?? []));
  if (runs.length === 0) throw new Error(`--only: no run of that name, got ${values.only}; see --list`);
  return {
    action,
    folder: new Folder(values.out),
    runs,
    jobs: whole("jobs", 1),
    threads: whole("threads", 1),
    renew: values.renew,
    dataDir: values["data-dir"],
    evidence: values.evidence,
    document: values.document,
    trial: { epochs: whole("epochs", 1), limit: whole("limit", 2), testLimit: whole("test-limit", 1) },
  };
}

/** The data folder: it has to hold the public weights too. */
function dataRoot(given) {
  const place = given ?? process.env.COARSEGRAD_DATA;
  const hint = "name the folder with --data-dir or COARSEGRAD_DATA";
  if (!place) throw new Error(`no data; expected a folder with pretrained/ and cifar-10/; ${hint}`);
  // CIFAR-10 may have other names there: the first run tells if it has none.
  if (existsSync(path.join(place, "pretrained", PRETRAINED))) return path.resolve(place);
  const got = existsSync(place) ? "neither" : "no such folder";
  throw new Error(
    `${place}: no public weights; expected pretrained/${PRETRAINED} in it, and cifar-10/, got ${got}; ${hint}`,
  );
}

/** Arguments of a run's main command; paths are relative to the study's folder. */
function argumentsOf(run, trial, count) {
  const threads = ["--threads", `${count}`];
  const limits = trial.limit === undefined ? [] : ["--limit", `${trial.limit}`];
  if (trial.testLimit !== undefined) limits.push("--test-limit", `${trial.testLimit}`);
  if (run.kind === "eval") {
    const some = trial.testLimit === undefined ? [] : ["--limit", `${trial.testLimit}`];
    return ["eval", PRETRAINED, "--model", run.model, "--data", "cifar10", ...some, ...threads];
  }
  const epochs = trial.epochs === undefined || run.epochs === 0 ? [] : ["--epochs", `${trial.epochs}`];
  const args = run.args.filter(
    (word, i) => epochs.length === 0 || (word !== "--epochs" && run.args[i - 1] !== "--epochs"),
  );
  const init = run.from === null ? [] : ["--init", run.from];
  return ["train", ...args, ...epochs, ...limits, ...init, "--out", run.id, ...threads];
}

/** Everything that one run needs: training, then verification. */
async function perform(run, { folder, trial, threads }, context) {
  const command = (args) => coarsegrad(folder.main, args, { cwd: folder.out, ...context });
  mkdirSync(folder.of(run), { recursive: true });
  if (folder.summary(run) === null) {
    const args = argumentsOf(run, trial, threads);
    // An interrupted run goes on; the command that is recorded is the one that starts it.
    const resumed = run.kind !== "eval" && existsSync(folder.of(run, "config.json")) ? ["--resume"] : [];
    const written = `npx coarsegrad ${args.join(" ")}`;
    const result = await command([...args, ...resumed]).catch((error) => {
      // That training diverges is a result too.
      const match = /training diverged in epoch (\d+), step (\d+)/.exec(error.message);
      if (match === null) throw error;
      const divergence = { command: written, epoch: Number(match[1]), step: Number(match[2]), message: error.message };
      writeWhole(folder.of(run, "diverged.json"), `${JSON.stringify(divergence, null, 2)}\n`);
      return null;
    });
    if (result === null) return;
    if (run.kind === "eval")
      writeWhole(folder.of(run, "eval.json"), `${JSON.stringify({ command: written, ...result }, null, 2)}\n`);
  }
  if (run.verify && folder.verification(run) === null) {
    const some = trial.testLimit === undefined ? [] : ["--limit", `${trial.testLimit}`];
    const report = await command(["verify", run.id, ...some]);
    writeWhole(folder.of(run, "verify.json"), `${JSON.stringify(report, null, 2)}\n`);
  }
}

async function runAll(chosen) {
  const { folder, runs, jobs } = chosen;
  const data = dataRoot(chosen.dataDir);
  folder.prepare(path.join(data, "pretrained", PRETRAINED), built, chosen.renew);
  const release = folder.lock();
  const abort = new AbortController();
  process.on("SIGINT", () => abort.abort());
  process.on("SIGTERM", () => abort.abort());
  const env = { ...process.env, COARSEGRAD_DATA: data };
  const progress = new Progress({ jobs, write: (line) => console.error(line) });
  const failed = new Map();
  const running = new Map();
  const ready = (run) => stateOfStart(chosen, run) === "there";
  const waiting = () => runs.filter((run) => !folder.isDone(run) && !running.has(run.id) && !failed.has(run.id));
  for (const run of runs) progress.learn(run, folder.metrics(run));
  const show = () => progress.show(waiting(), runs.filter((run) => folder.isDone(run)).length, runs.length);
  const clock = setInterval(show, 60_000);
  try {
    for (;;) {
      while (running.size < jobs && !abort.signal.aborted) {
        const next = waiting().find(ready);
        if (next === undefined) break;
        progress.start(next);
        const context = { env, signal: abort.signal, onProgress: (message) => progress.update(next, message) };
        const work = perform(next, chosen, context)
          .catch((error) => {
            if (!(error instanceof StoppedError)) failed.set(next.id, error.message);
          })
          .finally(() => {
            running.delete(next.id);
            progress.end(next);
            progress.learn(next, folder.metrics(next));
          });
        running.set(next.id, work);
        show();
      }
      if (running.size === 0) break;
      await Promise.race(running.values());
    }
  } finally {
    clearInterval(clock);
    release();
  }
  for (const [id, message] of failed) console.error(`${id}: ${message}`);
  const left = waiting();
  for (const run of left) {
    const start = stateOfStart(chosen, run);
    if (failed.has(run.from)) console.error(`${run.id}: its start ${run.from} failed`);
    else if (start === "diverged") console.error(`${run.id}: its start ${run.from} diverged`);
  }
  console.error(
    `${runs.filter((run) => folder.isDone(run)).length} of ${runs.length} done, ${failed.size} failed, ${left.length} waiting`,
  );
  if (abort.signal.aborted) process.exitCode = 130;
  else if (failed.size + left.length > 0) process.exitCode = 1;
}

/** Whether the weights that a run starts from exist: `there`, `missing`, or `diverged`, so that they never will. */
function stateOfStart({ folder, byId }, { from }) {
  const source = byId(from);
  if (source === undefined || folder.summary(source) !== null) return "there";
  return folder.divergence(source) === null ? "missing" : "diverged";
}

/** What stands between a run and its beginning, as an ending of its line. */
function waitsFor(chosen, run) {
  const start = stateOfStart(chosen, run);
  if (start === "there") return "";
  return start === "missing" ? `, after ${run.from}` : `, if its start ${run.from} had not diverged`;
}

function list(chosen) {
  const { folder, runs } = chosen;
  const progress = new Progress({ jobs: 1, write: () => undefined });
  for (const run of runs) progress.learn(run, folder.metrics(run));
  for (const run of runs) {
    const summary = folder.summary(run);
    const divergence = folder.divergence(run);
    const metrics = folder.metrics(run);
    const state = folder.isDone(run)
      ? divergence === null
        ? `done  ${summary.top1.toFixed(2)} %`
        : `diverged in epoch ${divergence.epoch}, step ${divergence.step}`
      : metrics.length > 0
        ? `${metrics.length} of ${run.epochs} epochs`
        : `about ${hours(progress.secondsOf(run))}${waitsFor(chosen, run)}`;
    console.log(`${run.id.padEnd(44)} ${String(run.epochs).padStart(3)} epochs  ${state}`);
  }
}

try {
  const chosen = options();
  if (chosen.action === "help") console.log(HELP);
  else {
    const ids = new Map(chosen.runs.map((run) => [run.id, run]));
    chosen.byId = (id) => ids.get(id);
    if (chosen.action === "list") list(chosen);
    else if (chosen.action === "run") await runAll(chosen);
    else writeTables(chosen);
  }
} catch (error) {
  console.error(`cifar10: ${error.message}`);
  process.exitCode = 2;
}
