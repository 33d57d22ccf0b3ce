/** @file Sweeps on one machine: what runs, what is not done twice, kills and stops in the middle, failures, scripts. */
import { execFileSync } from "node:child_process";
import { chmodSync, existsSync, mkdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { sha256Hex } from "../../src/core/sha256.js";
import { outcomeOf, Workbench } from "../cli/run.js";
import { ended, epochsIn, isGone, plan, resultsIn, type SweepAnswer, until, weights, writers } from "./runs.js";

const SMALL = { model: "mlp", data: "digits", limit: 160, testLimit: 50, epochs: 2, batch: 32 };
/** Float, then quantized from it by two ρ, two seeds; the first of them again under another name. */
const PLAN = {
  settings: SMALL,
  runs: {
    float: { seeds: [1, 2] },
    "rho/{rho}": { from: "float", settings: { bits: "1W4A" }, grid: { rho: [0, 1e-5] }, seeds: [1, 2], verify: true },
    "same-as-first": { from: "float/seed-1", settings: { bits: "1W4A", rho: 0 } },
  },
};

/** Codes of the MLP for one image: pixels, and what its two hidden layers give. */
const CODES = 784 + 2 * 256;

let bench: Workbench;
let reference: SweepAnswer;
beforeAll(async () => {
  bench = await Workbench.open();
  plan(bench, "plan.json", PLAN);
  reference = await bench.json<SweepAnswer>("sweep", "plan.json", "--out", "one", "--jobs", "2");
});
afterAll(() => bench?.close());

describe("a sweep", () => {
  it("does every configuration once, from the runs that it says", () => {
    const { results } = reference;
    expect(results.map(({ name, status }) => [name, status])).toEqual(
      ["float/seed-1", "float/seed-2", "rho/0-seed-1", "rho/1e-5-seed-1", "rho/0-seed-2", "rho/1e-5-seed-2"]
        .concat("same-as-first")
        .map((name) => [name, "done"]),
    );
    const byName = new Map(results.map((result) => [result.name, result]));
    expect(byName.get("same-as-first")?.id).toBe(byName.get("rho/0-seed-1")?.id);
    expect(new Set(results.map(({ id }) => id)).size).toBe(6);
    for (const { name, seed, summary, id, folder } of results) {
      const config = JSON.parse(readFileSync(bench.file("one", folder, "config.json"), "utf8"));
      expect(config.seed).toBe(seed);
      expect(folder).toBe(`jobs/${id.slice(0, 16)}`);
      if (name.startsWith("float")) continue;
      expect(config.init.file).toBe(`${byName.get(`float/seed-${seed}`)?.folder}/checkpoint.safetensors`);
      // Only what asked for it was verified.
      expect(summary?.packed.codesEqual).toBe(summary?.packed.codesCompared);
      // On the images that it was tested on.
      expect(summary?.packed.codesCompared).toBe(50 * CODES);
    }
    expect(byName.get("float/seed-1")?.summary?.packed.codesCompared).toBeUndefined();
  });

  it("gives what train gives by itself", async () => {
    const words = "--model mlp --data digits --limit 160 --test-limit 50 --epochs 2 --batch 32".split(" ");
    const float = await bench.json<{ weightsSha256: string }>("train", ...words, "--seed", "2", "--out", "alone");
    expect(float.weightsSha256).toBe(weights(reference.results)["float/seed-2"]);
    const more = ["--init", "alone", "--bits", "1W4A", "--rho", "1e-5", "--seed", "2", "--out", "after"];
    const after = await bench.json<{ weightsSha256: string }>("train", ...words, ...more);
    expect(after.weightsSha256).toBe(weights(reference.results)["rho/1e-5-seed-2"]);
  });

  it("leaves a line for each run, links by name, means over seeds and a page", () => {
    const { results, groups, report } = reference;
    expect(resultsIn(bench.file("one"))).toEqual(results);
    for (const { name, folder } of results) {
      const link = bench.file("one", ...name.split("/"));
      expect(path.resolve(path.dirname(link), readlinkSync(link))).toBe(bench.file("one", folder));
    }
    expect(groups.map(({ group, seeds }) => [group, seeds])).toEqual([
      ["float", [1, 2]],
      ["rho/0", [1, 2]],
      ["rho/1e-5", [1, 2]],
      ["same-as-first", [1]],
    ]);
    const tops = results.filter(({ group }) => group === "rho/0").map(({ summary }) => summary?.top1 as number);
    expect(groups[1].top1.mean).toBeCloseTo((tops[0] + tops[1]) / 2, 10);
    expect(groups[1].top1.deviation).toBeCloseTo(Math.abs(tops[0] - tops[1]) / Math.SQRT2, 10);
    const page = readFileSync(bench.file(report as string), "utf8");
    for (const { summary } of results) expect(page).toContain(summary?.weightsSha256);
  });

  it("adds nothing the second time, from an edited plan only what is new", async () => {
    const digests = () =>
      reference.results.flatMap(({ folder }) =>
        ["config.json", "summary.json", "checkpoint.safetensors"].map((file) =>
          sha256Hex(readFileSync(bench.file("one", folder, file))),
        ),
      );
    const before = digests();
    const { code, stdout, stderr } = await bench.run("sweep", "plan.json", "--out", "one", "--no-report");
    expect(code).toBe(0);
    expect(stderr).not.toContain("SHA-256");
    expect(stdout).toMatch(/rho\/1e-5 +2 of 2 +\d+\.\d\d ± \d+\.\d\d/);
    expect(digests()).toEqual(before);
    const { float, ...others } = PLAN.runs;
    plan(bench, "edited.json", { ...PLAN, runs: { float: { ...float, seeds: [2, 1, 3] }, ...others } });
    const edited = await bench.run("sweep", "edited.json", "--out", "one", "--no-report");
    expect(edited.stderr.match(/^.*SHA-256.*$/gm)).toEqual([expect.stringMatching(/^float\/seed-3: /)]);
  });

  it("has teachers among the runs that a run starts from", async () => {
    const taught = {
      from: "rho/0-seed-1",
      teacherFrom: "float",
      settings: { bits: "1W4A", rho: 0, teacherWeight: 0.5, epochs: 1 },
    };
    plan(bench, "taught.json", { ...PLAN, runs: { ...PLAN.runs, taught } });
    const { results } = await bench.json<SweepAnswer>("sweep", "taught.json", "--out", "one", "--no-report");
    const byName = new Map(results.map((result) => [result.name, result]));
    const [own, teacher] = [byName.get("taught"), byName.get("float/seed-1")];
    expect(own?.settings.teacher).toBe("float/seed-1");
    const config = JSON.parse(readFileSync(bench.file("one", own?.folder as string, "config.json"), "utf8"));
    expect(config.teacher.file).toBe(`${teacher?.folder}/checkpoint.safetensors`);
    const words = "--model mlp --data digits --limit 160 --test-limit 50 --epochs 1 --batch 32 --bits 1W4A --rho 0";
    const from = bench.file("one", byName.get("rho/0-seed-1")?.folder as string);
    const alone = await bench.json<{ weightsSha256: string }>(
      ...["train", ...words.split(" "), "--init", from, "--teacher-weight", "0.5", "--out", "taught"],
      ...["--teacher", bench.file("one", teacher?.folder as string)],
    );
    expect(alone.weightsSha256).toBe(own?.summary?.weightsSha256);
    // Its id is that of its folder: nothing is done again.
    const again = await bench.run("sweep", "taught.json", "--out", "one", "--dry-run");
    expect(again.stdout).toContain("8 runs, 7 different, 8 done");
  });

  it("is listed with --dry-run, chosen with --only", async () => {
    const { runs } = await bench.json<{ runs: SweepAnswer["results"] }>(
      ...["sweep", "plan.json", "--dry-run", "--out", "nowhere", "--only", "rho/*-seed-1"],
    );
    // With what they start from.
    expect(runs.map(({ name, status }) => [name, status])).toEqual(
      ["float/seed-1", "rho/0-seed-1", "rho/1e-5-seed-1", "same-as-first"].map((name) => [name, "open"]),
    );
    const byName = Object.fromEntries(reference.results.map(({ name, id }) => [name, id]));
    for (const { name, id } of runs) expect(id).toBe(byName[name]);
    expect(existsSync(bench.file("nowhere"))).toBe(false);
    const { stdout } = await bench.run("sweep", "plan.json", "--dry-run", "--out", "one");
    expect(stdout).toContain("7 runs, 6 different, 7 done");
  });

  it("needs the files of those runs alone that were chosen", async () => {
    const runs = { there: {}, gone: { settings: { init: "gone.safetensors" } }, after: { from: "gone" } };
    plan(bench, "lacking.json", { settings: SMALL, runs });
    const sweep = (...args: string[]) => bench.run("sweep", "lacking.json", "--dry-run", "--json", ...args);
    const { code, stdout, stderr } = await sweep("--only", "there");
    expect(JSON.parse(stdout).runs.map(({ name }: { name: string }) => name)).toEqual(["there"]);
    const [{ id }] = JSON.parse(stdout).runs as { id: string }[];
    expect({ code, id: (await sweep("--only", id)).code }).toEqual({ code: 0, id: 0 });
    expect(stderr).toContain("left out, for they were not asked for: gone, and 1 more (gone: gone.safetensors: ");
    for (const only of [[], ["--only", "after"], ["--only", "*"], ["--only", "after", "--only", "there"]]) {
      const refused = await sweep(...only);
      expect({ code: refused.code, stdout: refused.stdout }).toEqual({ code: 1, stdout: "" });
      expect(refused.stderr).toContain("gone: gone.safetensors: the file to start from is not there");
    }
    expect((await sweep("--only", "gnoe")).stderr).toContain("did you mean gone?");
  });

  it("is tried in small with --trial, apart from the runs themselves", async () => {
    plan(bench, "huge.json", {
      settings: { ...SMALL, limit: null, testLimit: null, epochs: 500 },
      runs: { float: {}, nearest: { from: "float", settings: { bits: "2W4A", method: "ptq", epochs: null } } },
    });
    const { out, results } = await bench.json<SweepAnswer>("sweep", "huge.json", "--trial", "--no-report");
    expect(out).toBe(path.join("runs", "huge-trial"));
    expect(results.map(({ status, summary }) => [status, summary?.epochs, summary?.testImages])).toEqual([
      ["done", 1, 100],
      ["done", 0, 100],
    ]);
    const { runs } = await bench.json<{ runs: SweepAnswer["results"] }>("sweep", "huge.json", "--dry-run");
    expect(runs.map(({ id }) => id)).not.toContain(results[0].id);
  });

  it("refuses a plan before anything runs", async () => {
    for (const [runs, words] of [
      [{ a: {}, b: { settings: { weightDecya: 1 } } }, "unknown setting"],
      [
        { a: {}, b: { settings: { init: "gone.safetensors" } } },
        "b: gone.safetensors: the file to start from is not there",
      ],
      [{ a: { from: "b" }, b: { from: "a" } }, "runs start from each other in a circle"],
      [{ a: { settings: { data: "imagefolder:gone" } } }, "the folder of images is not there"],
    ] as const) {
      plan(bench, "bad.json", { settings: SMALL, runs });
      const { code, stdout, stderr } = await bench.run("sweep", "bad.json", "--out", "bad");
      expect({ code: code !== 0, stdout }).toEqual({ code: true, stdout: "" });
      expect(stderr).toContain(words);
      expect(existsSync(bench.file("bad"))).toBe(false);
    }
    for (const [args, words] of [
      ["gone.json", "gone.json"],
      ["plan.json --only flaot", "did you mean"],
      ["plan.json --only ,", "--only: empty list"],
      ["plan.json --queue redis://x --jobs 2", "--jobs: does not go with --queue"],
      ["plan.json --queue http://x", "--queue: not the address of a queue"],
    ]) {
      const { code, stderr } = await bench.run("sweep", ...args.split(" "));
      expect(code).not.toBe(0);
      expect(stderr).toContain(words);
    }
    const worker = await bench.run("sweep-worker");
    expect(worker.code).toBe(2);
    expect(worker.stderr).toContain("sweep-worker: missing option; expected --queue redis://HOST:PORT, got none");
  });
});

describe("a sweep that ends early", () => {
  const LONG = {
    settings: { ...SMALL, epochs: 8 },
    runs: { long: { seeds: [1, 2, 3] }, after: { from: "long", seeds: [2] } },
  };
  let whole: SweepAnswer;
  beforeAll(async () => {
    plan(bench, "long.json", LONG);
    whole = await bench.json<SweepAnswer>("sweep", "long.json", "--out", "whole", "--no-report");
  });
  const some = (out: string) => () => {
    const epochs = [...writers(bench.file(out)).keys()].map((name) => epochsIn(bench.file(out, "jobs", name)));
    return epochs.some((done) => done > 0 && done < 8);
  };

  it("takes its runs along when it is killed, and goes on to the same bits", async () => {
    const sweep = bench.start("sweep", "long.json", "--out", "killed", "--jobs", "2", "--no-report");
    await until("a run in the middle", some("killed"));
    const pids = [...writers(bench.file("killed")).values()];
    sweep.kill("SIGKILL");
    await ended(sweep);
    await until("the end of what it ran", () => pids.every(isGone), 10);
    const answer = await bench.json<SweepAnswer>("sweep", "long.json", "--out", "killed", "--no-report");
    expect(weights(answer.results)).toEqual(weights(whole.results));
  });

  it("stops by Ctrl-C after the step at hand, says so, and goes on", async () => {
    const sweep = bench.start("sweep", "long.json", "--out", "stopped", "--jobs", "2", "--no-report");
    const outcome = outcomeOf(sweep);
    await until("a run in the middle", some("stopped"));
    sweep.kill("SIGINT");
    const { code, stderr } = await outcome;
    expect(code).toBe(130);
    expect(stderr).toMatch(/sweep: stopped with \d of 4 runs done; the same command goes on/);
    expect(writers(bench.file("stopped")).size).toBe(0);
    const answer = await bench.json<SweepAnswer>("sweep", "long.json", "--out", "stopped", "--no-report");
    expect(weights(answer.results)).toEqual(weights(whole.results));
  });

  it("waits for a run that another sweep is at, and takes its result", async () => {
    const first = outcomeOf(bench.start("sweep", "long.json", "--out", "both", "--jobs", "1", "--no-report", "--json"));
    await until("a run in the middle", some("both"));
    const second = await bench.childJson<SweepAnswer>("sweep", "long.json", "--out", "both", "--no-report");
    const { code, stdout } = await first;
    expect(code).toBe(0);
    for (const { results } of [second, JSON.parse(stdout) as SweepAnswer]) {
      expect(weights(results)).toEqual(weights(whole.results));
    }
  });
});

describe("a run that another machine was at", () => {
  it("is refused with what is known, and gone on with by --take-over", async () => {
    plan(bench, "lost.json", { settings: SMALL, runs: { a: {} } });
    const first = await bench.json<SweepAnswer>("sweep", "lost.json", "--out", "lost", "--no-report");
    const folder = bench.file("lost", first.results[0].folder);
    rmSync(path.join(folder, "summary.json"));
    const lock = { pid: 1, host: "elsewhere", boot: "another", since: new Date(0).toISOString(), token: "t" };
    writeFileSync(path.join(folder, "run.lock"), JSON.stringify(lock));
    const refused = await bench.run("sweep", "lost.json", "--out", "lost", "--no-report");
    expect(refused.code).toBe(1);
    expect(refused.stdout).toMatch(
      /^a: failed: train: jobs\/\w+: another process is writing this run; .* on elsewhere/m,
    );
    const again = await bench.json<SweepAnswer>("sweep", "lost.json", "--out", "lost", "--no-report", "--take-over");
    expect(weights(again.results)).toEqual(weights(first.results));
    expect(existsSync(path.join(folder, "run.lock"))).toBe(false);
  });
});

it("a queue without its libraries says what to install", async () => {
  const { code, stderr } = await bench.child("sweep", "plan.json", "--out", "one", "--queue", "redis://127.0.0.1:1");
  expect(code).toBe(1);
  expect(stderr).toContain(
    "--queue: the library bullmq is not installed; expected bullmq and ioredis beside coarsegrad",
  );
  expect(stderr).toContain("npm install bullmq ioredis");
});

describe("a run that fails", () => {
  it("is told with its own error; others go on, what starts from it is skipped by name", async () => {
    plan(bench, "fails.json", {
      settings: SMALL,
      runs: { bad: { settings: { lr: 1e30 } }, good: {}, after: { from: "bad" }, later: { from: "after" } },
    });
    const { code, stdout, stderr } = await bench.run("sweep", "fails.json", "--out", "fails", "--jobs", "2");
    expect(code).toBe(1);
    expect(stdout).toMatch(/^bad: failed: train: fit: training diverged in epoch 1, step 2; /m);
    expect(stdout).toMatch(/^after: skipped: it starts from bad$/m);
    expect(stdout).toMatch(/^later: skipped: it starts from after$/m);
    expect(stderr).toMatch(/^good: \d+\.\d\d %, packed /m);
    expect(stderr).toMatch(/sweep: 3 of 4 runs are not done; got bad failed, after skipped, later skipped; /);
    expect(resultsIn(bench.file("fails")).map(({ status }) => status)).toEqual([
      "failed",
      "done",
      "skipped",
      "skipped",
    ]);
    const quiet = await bench.run("sweep", "fails.json", "--out", "fails", "--quiet", "--only", "good");
    expect({ code: quiet.code, stderr: quiet.stderr }).toEqual({ code: 0, stderr: "" });
    // The rest of the plan was not asked for.
    expect(quiet.stdout).toMatch(/^good +1 of 1 /m);
    expect(quiet.stdout).not.toMatch(/^(?:bad|after|later)\b/m);
  });

  it("that was edited, or is of other defaults, is not taken for the plan's", async () => {
    const [{ folder }] = resultsIn(bench.file("fails")).filter(({ name }) => name === "good");
    const file = bench.file("fails", folder, "config.json");
    const { configSha256: _, ...config } = JSON.parse(readFileSync(file, "utf8"));
    writeFileSync(file, JSON.stringify({ ...config, batch: 16 }));
    const { code, stderr } = await bench.run("sweep", "fails.json", "--out", "fails", "--only", "good");
    expect(code).toBe(1);
    expect(stderr).toMatch(/good: failed: .*holds another run than the plan's; expected configuration [0-9a-f]{64}/);
  });
});

describe("files that runs start from", () => {
  it("are kept by their content beside the runs; the id is of the content", async () => {
    mkdirSync(bench.file("plans"), { recursive: true });
    rmSync(bench.file("w"), { recursive: true, force: true });
    mkdirSync(bench.file("w"));
    const source = reference.results[0].folder;
    const weightsFile = readFileSync(bench.file("one", source, "checkpoint.safetensors"));
    writeFileSync(bench.file("plans", "w.safetensors"), weightsFile);
    writeFileSync(bench.file("w", "other.safetensors"), weightsFile);
    const runs = { a: { settings: { ...SMALL, bits: "1W4A", init: "w.safetensors" } } };
    plan(bench, "plans/init.json", { runs });
    plan(bench, "init.json", { runs: { b: { settings: { ...runs.a.settings, init: "w/other.safetensors" } } } });
    const first = await bench.json<SweepAnswer>("sweep", "plans/init.json", "--out", "kept");
    rmSync(bench.file("plans", "w.safetensors"));
    const second = await bench.json<SweepAnswer>("sweep", "init.json", "--out", "kept");
    expect(second.results[0].id).toBe(first.results[0].id);
    expect(second.results[0].summary).toEqual(first.results[0].summary);
    expect(first.results[0].summary?.command).toMatch(/--init files\/[0-9a-f]{12}-w\.safetensors /);
  });
});

it.skipIf(process.platform === "win32")(
  "the script for Slurm gives the same, each array after the run that it starts from",
  async () => {
    const { stdout, code } = await bench.run(
      "sweep",
      "plan.json",
      "--emit",
      "slurm",
      "--out",
      "cluster",
      "--threads",
      "2",
    );
    expect(code).toBe(0);
    writeFileSync(bench.file("sweep.sh"), stdout);
    // A cluster that does at once what it is given, task after task.
    const bin = bench.file("fake");
    mkdirSync(bin);
    writeFileSync(
      path.join(bin, "sbatch"),
      `#!/usr/bin/env bash
set -e
for word in "$@"; do
  case "$word" in
    --array=*) last="\${word##*-}" ;;
    --wrap=*) wrap="\${word#--wrap=}" ;;
  esac
done
number=$(( $(cat number 2>/dev/null || echo 100) + 1 ))
echo $number > number
printf '%s' "$number" >> log
for word in "$@"; do case "$word" in --array=*|--dependency=*|--cpus*) printf ' %s' "$word" >> log ;; esac; done
echo >> log
if [ -z "$last" ]; then sh -c "$wrap" > collected; else
  for task in $(seq 0 "$last"); do SLURM_ARRAY_TASK_ID=$task sh -c "$wrap" > /dev/null; done
fi
echo "$number;cluster"
`,
    );
    chmodSync(path.join(bin, "sbatch"), 0o755);
    const COARSEGRAD = `${process.execPath} ${bench.file("bin", "coarsegrad.mjs")}`;
    const env = { HOME: bench.folder, PATH: `${bin}:${process.env.PATH}`, COARSEGRAD };
    const told = execFileSync("bash", ["sweep.sh"], { cwd: bench.folder, env, encoding: "utf8" });
    expect(told).toContain("submitted 6 runs in 3 arrays");
    expect(readFileSync(bench.file("log"), "utf8").trim().split("\n")).toEqual([
      "101 --cpus-per-task=2 --array=0-1",
      "102 --cpus-per-task=2 --array=0-1 --dependency=afterok:101_0",
      "103 --cpus-per-task=2 --array=0-1 --dependency=afterok:101_1",
      "104 --cpus-per-task=2 --dependency=afterany:101:102:103",
    ]);
    expect(weights(resultsIn(bench.file("cluster")))).toEqual(weights(reference.results));
    expect(readFileSync(bench.file("collected"), "utf8")).toContain("rho/1e-5");
  },
);
