/**
 * @file Runs under attack on the command line: mixed and edited folders, two writers, kills, signals, streams that
 * break.
 */
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.js";
import { run as kills } from "../fuzz/kills.js";
import { appears, outcomeOf, Workbench } from "./run.js";

const SMALL = "train --model mlp --limit 128 --test-limit 64 --epochs 2 --batch 32 --threads 1 --quiet".split(" ");
let bench: Workbench;
const path = (...parts: string[]) => bench.file(...parts);
const text = (...parts: string[]) => readFileSync(path(...parts), "utf8");
const json = (...parts: string[]) => JSON.parse(text(...parts));
const fresh = (from: string, to: string) => {
  rmSync(path(to), { recursive: true, force: true });
  cpSync(path(from), path(to), { recursive: true });
};

beforeAll(async () => {
  bench = await Workbench.open();
  const outcomes = await Promise.all([
    bench.run(...SMALL, "--out", "one"),
    bench.run(...SMALL, "--out", "two", "--seed", "2"),
  ]);
  expect(outcomes.map(({ code }) => code)).toEqual([0, 0]);
});
afterAll(() => bench?.close());

/** A folder as versions before hashes wrote it. */
function asBefore(folder: string): void {
  for (const file of ["config.json", "summary.json"]) {
    const { configSha256: _, ...before } = json(folder, file);
    writeFileSync(path(folder, file), JSON.stringify(before));
  }
  const { tensors, metadata } = readSafetensors(readFileSync(path(folder, "checkpoint.safetensors")));
  const { checksum: _, ...before } = metadata;
  const entries = [...tensors].map(([name, { shape, data }]) => ({ name, shape, data }));
  writeFileSync(path(folder, "checkpoint.safetensors"), writeSafetensors(entries, before));
}

describe("a folder of an earlier version", () => {
  it("opens, resumes, verifies and reports, and is compared as far as it can be", async () => {
    fresh("one", "before");
    asBefore("before");
    for (const args of ["eval before", "verify before --limit 10", "train --resume --out before", "report before"]) {
      const { code, stderr } = await bench.run(...args.split(" "), "--quiet");
      expect({ args, code, stderr }).toEqual({ args, code: 0, stderr: "" });
    }
    expect(json("before", "summary.json").weightsSha256).toBe(json("one", "summary.json").weightsSha256);
    asBefore("before");
    writeFileSync(path("before", "config.json"), text("before", "config.json").replace('"seed":1', '"seed":9'));
    const { code, stderr } = await bench.run("train", "--resume", "--out", "before");
    expect(stderr).toMatch(/of another configuration than config\.json; expected .*[0-9a-f]{64}, got [0-9a-f]{64}/);
    expect(code).toBe(1);
  });
});

describe("a folder that is mixed or damaged is refused by all that use it", () => {
  const commands = ["eval run", "train --resume --out run", "pack run --out x.cgm", "verify run --limit 10"];
  const flip = (file: string) => {
    const bytes = readFileSync(path("run", file));
    bytes[bytes.length - 5] ^= 1;
    writeFileSync(path("run", file), bytes);
  };
  const edit = (file: string, change: (value: Record<string, unknown>) => void) => {
    const value = json("run", file);
    change(value);
    writeFileSync(path("run", file), JSON.stringify(value));
  };
  const deep = `${"[".repeat(50_000)}${"]".repeat(50_000)}`;
  it.each<[string, () => void, string[], RegExp]>([
    [
      "another run's checkpoint",
      () => cpSync(path("two", "checkpoint.safetensors"), path("run", "checkpoint.safetensors")),
      commands,
      /checkpoint\.safetensors: the checkpoint is of another configuration.*[0-9a-f]{64}.*got [0-9a-f]{64}/,
    ],
    [
      "another run's summary",
      () => cpSync(path("two", "summary.json"), path("run", "summary.json")),
      [...commands, "report run"],
      /summary\.json: the summary is of another configuration; expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}/,
    ],
    [
      "an edited configuration",
      () => edit("config.json", (config) => Object.assign(config, { seed: 9 })),
      [...commands, "report run"],
      /config\.json: was edited; expected SHA-256 [0-9a-f]{64} of its fields, got [0-9a-f]{64}/,
    ],
    [
      "a flipped bit of the weights",
      () => flip("checkpoint.safetensors"),
      commands,
      /checkpoint\.safetensors: damaged/,
    ],
    [
      "a flipped bit of the weights, without a checksum",
      () => {
        asBefore("run");
        flip("checkpoint.safetensors");
        // The last tensor is the optimizer's; the first is the model's.
        const bytes = readFileSync(path("run", "checkpoint.safetensors"));
        bytes[8 + Number(bytes.readBigUInt64LE(0)) + 1] ^= 1;
        writeFileSync(path("run", "checkpoint.safetensors"), bytes);
      },
      commands,
      /the weights of run\/checkpoint\.safetensors are not those of the summary; expected SHA-256 [0-9a-f]{64}, got/,
    ],
    [
      "another run's packed model",
      () => cpSync(path("two", "model.cgm"), path("run", "model.cgm")),
      ["eval run/model.cgm --data digits", "verify run --limit 10", "export run/model.cgm --out x.onnx"],
      /model\.cgm: not the file that the run's summary is of; expected SHA-256 [0-9a-f]{64}, got [0-9a-f]{64}/,
    ],
    [
      "a summary with a list for a number",
      () => edit("summary.json", (summary) => Object.assign(summary, { top1: [] })),
      [...commands, "report run"],
      /summary\.json: bad top1; expected a finite number, or null, got an empty list/,
    ],
    [
      "a summary with null for a layer",
      () => edit("summary.json", (summary) => Object.assign(summary, { layers: [null] })),
      ["report run", "eval run"],
      /summary\.json: bad layers; expected a list, each an object, got a list of 1/,
    ],
    [
      "a configuration without a schedule",
      () => edit("config.json", (config) => Object.assign(config, { schedule: null, configSha256: undefined })),
      ["report run", "train --resume --out run"],
      /config\.json: bad schedule; expected an object, got null/,
    ],
    [
      "a configuration with a field that nobody knows",
      () => edit("config.json", (config) => Object.assign(config, { clip: 1, configSha256: undefined })),
      ["report run", "train --resume --out run"],
      /config\.json: unknown field; expected model, .*, got clip/,
    ],
    [
      "a configuration that is nested deeply",
      () =>
        writeFileSync(path("run", "config.json"), text("run", "config.json").replace('"seed": 1', `"seed": ${deep}`)),
      ["report run", "train --resume --out run"],
      /config\.json: nested too deep at seed/,
    ],
    [
      "a summary that is nested deeply",
      () =>
        writeFileSync(path("run", "summary.json"), text("run", "summary.json").replace('"seed": 1', `"seed": ${deep}`)),
      ["report run", "eval run"],
      /summary\.json: nested too deep at seed/,
    ],
  ])("%s", async (_, damage, args, line) => {
    fresh("one", "run");
    damage();
    const outcomes = await Promise.all(args.map((words) => bench.run(...words.split(" "), "--quiet")));
    for (const { code, stderr } of outcomes) {
      expect(stderr).toMatch(line);
      expect(stderr.trimEnd().split("\n")).toHaveLength(1);
      expect(code).toBe(1);
    }
  });
});

describe("--force", () => {
  it("reads what the new run needs before the old one goes, also out of the same folder", async () => {
    fresh("one", "run");
    const before = readFileSync(path("run", "checkpoint.safetensors"));
    for (const args of [
      ["--data", "mnist"],
      ["--init", "gone.safetensors"],
      ["--lr", "1e30", "--schedule", "constant"],
    ]) {
      const { code } = await bench.run(...SMALL, "--out", "run", "--force", ...args);
      expect(code).toBe(1);
      expect(readFileSync(path("run", "checkpoint.safetensors")).equals(before)).toBe(true);
      expect(readdirSync(path("run")).sort()).toEqual(readdirSync(path("one")).sort());
    }
    writeFileSync(path("run", "notes.txt"), "mine");
    const { code } = await bench.run(...SMALL, "--init", "run", "--out", "run", "--force");
    expect(code).toBe(0);
    expect(json("run", "config.json").init.file).toBe("run/checkpoint.safetensors");
    expect(json("run", "summary.json").weightsSha256).not.toBe(json("one", "summary.json").weightsSha256);
    expect(text("run", "notes.txt")).toBe("mine");
  });
  it("does not go with --resume", async () => {
    const { code, stderr } = await bench.run("train", "--resume", "--force", "--out", "one");
    expect([code, stderr]).toEqual([
      2,
      "coarsegrad: --resume: does not go with --force; expected one of them, got both\n",
    ]);
  });
});

const LONG = [...SMALL.filter((word) => word !== "--quiet"), "--epochs", "400", "--limit", "512"];

// Windows ends a process at once that is sent a signal.
describe.skipIf(process.platform === "win32")("a live run", () => {
  it("keeps others out, by name; stops with 128 and the signal's number, and can be read meanwhile", async () => {
    for (const [signal, code] of [
      ["SIGTERM", 143],
      ["SIGHUP", 129],
      ["SIGINT", 130],
    ] as const) {
      const child = bench.start(...LONG, "--out", signal);
      const ended = outcomeOf(child);
      await appears(path(signal, "checkpoint.safetensors"));
      const others = await Promise.all([
        bench.run("train", "--resume", "--out", signal),
        bench.run(...SMALL, "--force", "--out", signal),
        bench.run("eval", signal, "--limit", "10"),
      ]);
      for (const { stderr } of others.slice(0, 2)) {
        expect(stderr).toMatch(
          new RegExp(
            `^coarsegrad: ${signal}: another process is writing this run; .* got process ${child.pid} on .* since `,
          ),
        );
      }
      expect(others.map((other) => other.code)).toEqual([1, 1, 0]);
      child.kill(signal);
      const outcome = await ended;
      expect(outcome.stderr).toContain(`go on with: coarsegrad train --resume ${signal}`);
      expect(outcome.code).toBe(code);
      expect(existsSync(path(signal, "run.lock"))).toBe(false);
    }
  });

  it("with --recalibrate goes on to the weights and statistics of an uninterrupted one", async () => {
    const args = [...LONG, "--epochs", "12", "--recalibrate", "always"];
    const child = bench.start(...args, "--out", "it's cut");
    const ended = outcomeOf(child);
    await appears(path("it's cut", "checkpoint.safetensors"));
    child.kill("SIGTERM");
    const { code, stderr } = await ended;
    expect(stderr).toContain("go on with: coarsegrad train --resume 'it'\\''s cut'");
    expect(code).toBe(143);
    const outcomes = await Promise.all([
      bench.run("train", "--resume", "--out", "it's cut"),
      bench.run(...args, "--out", "anew"),
      bench.run(...args, "--recalibrate", "never", "--out", "kept"),
    ]);
    expect(outcomes.map((outcome) => outcome.code)).toEqual([0, 0, 0]);
    const weights = (folder: string) => json(folder, "summary.json").weightsSha256;
    const statistics = (folder: string) => JSON.parse(text(folder, "metrics.jsonl").trim().split("\n")[11]).statistics;
    expect(weights("it's cut")).toBe(weights("anew"));
    expect(weights("it's cut")).not.toBe(weights("kept"));
    expect(statistics("it's cut")).toEqual({ ...statistics("anew"), taken: true });
    expect((await bench.run("verify", "it's cut", "--limit", "10")).code).toBe(0);
  });

  it("writes its weights again where somebody removes the folder", async () => {
    const child = bench.start(...LONG, "--out", "removed");
    const ended = outcomeOf(child);
    await appears(path("removed", "checkpoint.safetensors"));
    rmSync(path("removed"), { recursive: true });
    await appears(path("removed", "checkpoint.safetensors"));
    child.kill("SIGTERM");
    const { stderr } = await ended;
    expect(stderr).toContain("warning: removed was removed while the run went on: made anew");
    expect((await bench.run("eval", "removed", "--limit", "10")).code).toBe(0);
  });
});

it("kills at random moments lose and mix nothing", async () => {
  expect(await kills(4, 20)).toBeGreaterThan(0);
});

// Node itself needs some 2 GB of addresses; the heap of WebAssembly's 4 GiB wants about 10.
it.skipIf(process.platform !== "linux").each([4, 8])("says that memory is missing with %s GB of addresses", (limit) => {
  const { status, stderr } = spawnSync(
    "bash",
    [
      "-c",
      `ulimit -v ${limit}000000; "$0" "$@"`,
      process.execPath,
      path("bin", "coarsegrad.mjs"),
      ..."eval one --threads 1 --quiet".split(" "),
    ],
    { cwd: bench.folder, encoding: "utf8" },
  );
  expect(stderr).toMatch(/^coarsegrad: memory: WebAssembly memory cannot be reserved; expected some 10 GiB/);
  expect(stderr).toMatch(/ulimit -v/);
  expect(stderr).not.toMatch(/SIMD|BackendWarning/);
  expect(status).toBe(1);
});

describe.skipIf(process.platform === "win32")("streams that break", () => {
  const shell = (command: string) =>
    spawnSync("bash", ["-c", `set -o pipefail; ${command}`], { cwd: bench.folder, encoding: "utf8" });
  const program = () => `"${process.execPath}" "${path("bin", "coarsegrad.mjs")}"`;
  it.skipIf(!existsSync("/dev/full"))("a full disk behind stdout is told, and the run is whole", async () => {
    const { status, stderr } = shell(`${program()} ${SMALL.join(" ")} --out full > /dev/full`);
    expect(stderr).toContain("coarsegrad: standard output: cannot be written; got no space left on the disk");
    expect(status).toBe(1);
    expect(json("full", "summary.json").weightsSha256).toBe(json("one", "summary.json").weightsSha256);
  });
  it("readers that close their pipe end nothing but the output", () => {
    const { status } = shell(`${program()} ${SMALL.join(" ").replace(" --quiet", "")} --out piped 2>&1 | head -c 1`);
    expect(status).toBe(0);
    expect(json("piped", "summary.json").weightsSha256).toBe(json("one", "summary.json").weightsSha256);
    expect(shell(`${program()} summary one | head -1`).status).toBe(0);
  });
  it("stderr that cannot be written stops no training", () => {
    const closed = openSync(existsSync("/dev/full") ? "/dev/full" : "/dev/null", "w");
    const { status } = spawnSync(
      process.execPath,
      [path("bin", "coarsegrad.mjs"), ...LONG, "--epochs", "3", "--out", "mute"],
      {
        cwd: bench.folder,
        stdio: ["ignore", "ignore", closed],
      },
    );
    expect(status).toBe(0);
  });
});
