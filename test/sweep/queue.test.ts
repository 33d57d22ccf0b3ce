/**
 * @file Sweeps by a queue: workers and Redis are killed in the middle, and what comes out is what one machine gives,
 * nothing done twice.
 */
import type { ChildProcess } from "node:child_process";
import { rmSync, symlinkSync } from "node:fs";
import path from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { outcomeOf, Workbench } from "../cli/run.js";
import { noRedis } from "../tools.js";
import { Redis } from "./redis.js";
import { ended, epochsIn, isGone, plan, resultsIn, type SweepAnswer, TWELVE, until, weights, writers } from "./runs.js";

/** What a worker says with --json. */
interface WorkerLine {
  readonly id: string;
  readonly name: string;
  readonly status: "begun" | "done" | "failed" | "stopped";
  readonly worked?: boolean;
  readonly weightsSha256?: string;
}

/** A worker and what it says. */
class TestWorker {
  readonly process: ChildProcess;
  readonly lines: WorkerLine[] = [];
  text = "";

  constructor(process: ChildProcess) {
    this.process = process;
    let rest = "";
    process.stdout?.setEncoding("utf8").on("data", (text: string) => {
      const parts = (rest + text).split("\n");
      rest = parts.pop() as string;
      for (const line of parts) this.lines.push(JSON.parse(line));
    });
    process.stderr?.setEncoding("utf8").on("data", (text: string) => {
      this.text += text;
    });
  }

  /** Folder of the job that it is at, if some of its epochs are on the disk, and some are to come. */
  atWork(folder: string): string | undefined {
    const last = this.lines.at(-1);
    const name = last?.status === "begun" ? last.id.slice(0, 16) : undefined;
    const epochs = name === undefined ? 0 : epochsIn(path.join(folder, "jobs", name));
    return epochs > 0 && epochs < TWELVE.settings.epochs ? name : undefined;
  }

  async end(signal: NodeJS.Signals): Promise<void> {
    this.process.kill(signal);
    await ended(this.process);
  }
}

describe.skipIf(noRedis)("with redis-server", () => {
  let bench: Workbench;
  let redis: Redis;
  const workers: TestWorker[] = [];
  const servers: Redis[] = [];
  const worker = (out: string, ...more: string[]): TestWorker => {
    const args = ["--queue", redis.url, "--out", out, "--jobs", "1", "--threads", "1", "--stall", "2", ...more];
    const made = new TestWorker(bench.start("sweep-worker", ...args, "--json"));
    workers.push(made);
    return made;
  };
  beforeAll(async () => {
    bench = await Workbench.open();
    // The libraries are found from the working folder, too.
    symlinkSync(path.join(import.meta.dirname, "..", "..", "node_modules"), bench.file("node_modules"));
    redis = await Redis.start(bench.file("redis"));
    servers.push(redis);
  });
  afterAll(async () => {
    await Promise.all(workers.map((each) => each.end("SIGKILL")));
    await Promise.all(servers.map((server) => server.kill()));
    rmSync(bench.file("node_modules"), { force: true });
    bench?.close();
  });

  it("twelve runs, a worker killed, Redis restarted: the results of one machine, each worked out once", async () => {
    const file = plan(bench, "twelve.json", TWELVE);
    const local = await bench.json<SweepAnswer>("sweep", file, "--out", "local", "--jobs", "2", "--no-report");
    const out = bench.file("shared");
    const [first, second] = [worker("shared"), worker("shared")];
    const sweep = outcomeOf(bench.start("sweep", file, "--out", "shared", "--queue", redis.url, "--json"));

    // In the middle of a run whose first epochs are on the disk.
    await until("a run of the first worker", () => first.atWork(out) !== undefined);
    const folder = first.atWork(out) as string;
    // Killed or not, its training may just have come to its end.
    const killed = first.lines.at(-1)?.id as string;
    const pid = writers(out).get(folder);
    await first.end("SIGKILL");
    if (pid !== undefined) await until("the end of the killed worker's training", () => isGone(pid), 10);
    expect(first.lines.filter(({ id, status }) => id.startsWith(folder) && status === "done")).toEqual([]);

    await until("some results", () => second.lines.filter(({ status }) => status === "done").length >= 2);
    await redis.kill();
    await new Promise((resolve) => setTimeout(resolve, 500));
    await redis.again();

    const { code, stdout, stderr } = await sweep;
    expect({ code, stderr }).toMatchObject({ code: 0 });
    expect(stderr).toMatch(/the connection is lost; waiting for it/);
    const answer = JSON.parse(stdout) as SweepAnswer;
    expect(answer.results).toHaveLength(12);
    expect(weights(answer.results)).toEqual(weights(local.results));
    expect(Object.values(weights(answer.results)).every((sha256) => /^[0-9a-f]{64}$/.test(sha256 ?? ""))).toBe(true);
    expect(weights(resultsIn(out))).toEqual(weights(local.results));

    const worked = workers.flatMap(({ lines }) => lines).filter((line) => line.worked === true);
    const ids = worked.map(({ id }) => id);
    expect(new Set(ids).size, "no run was worked out twice").toBe(ids.length);
    expect([...new Set([...ids, killed])].sort()).toEqual(local.results.map(({ id }) => id).sort());

    // The same plan again adds nothing, from another folder neither.
    const said = second.lines.length;
    const again = await bench.childJson<SweepAnswer>("sweep", file, "--out", "else", "--queue", redis.url);
    expect(weights(again.results)).toEqual(weights(local.results));
    expect(second.lines.length).toBe(said);
    await second.end("SIGTERM");
    expect(second.process.exitCode).toBe(0);
  });

  it("a worker that is stopped gives back what it is at; failures and what starts from them are told", async () => {
    const { settings } = TWELVE;
    const file = plan(bench, "chain.json", {
      settings,
      runs: {
        // Long enough to be stopped in.
        float: { settings: { bits: "float", epochs: 80 } },
        after: { from: "float", settings: { epochs: 1 } },
        bad: { settings: { lr: 1e30 } },
        never: { from: "bad" },
      },
    });
    const local = bench.run("sweep", file, "--out", "one", "--jobs", "2", "--json");
    const out = bench.file("two");
    const only = ["--only", "float,after", "--out", "two", "--queue", redis.url, "--json"];
    const first = worker("two");
    const sweep = outcomeOf(bench.start("sweep", file, ...only));
    await until("a run of the worker", () => first.atWork(out) !== undefined);
    await first.end("SIGINT");
    expect(first.process.exitCode).toBe(0);
    // A fast machine may be at the second run by then.
    expect(first.lines.map(({ status }) => status).slice(-2)).toEqual(["begun", "stopped"]);
    const second = worker("two");
    const { code, stderr } = await sweep;
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });

    const whole = await outcomeOf(bench.start("sweep", file, "--out", "two", "--queue", redis.url, "--json"));
    const alone = await local;
    for (const { code, stderr } of [whole, alone]) {
      expect(code).toBe(1);
      expect(stderr).toContain("sweep: 2 of 4 runs are not done; got bad failed, never skipped");
    }
    const [ours, theirs] = [whole, alone].map(({ stdout }) => JSON.parse(stdout) as SweepAnswer);
    expect(weights(ours.results)).toEqual(weights(theirs.results));
    const told = ours.results.map(({ name, status, error }) => [name, status, error?.split(";")[0] ?? null]);
    expect(told).toEqual([
      ["float", "done", null],
      ["after", "done", null],
      ["bad", "failed", "worker: train: fit: training diverged in epoch 1, step 2"],
      ["never", "skipped", "bad"],
    ]);
    await second.end("SIGTERM");
  });

  it("what Redis is not set up for is said, and nobody there is an error without the password", async () => {
    const plain = await Redis.start(bench.file("plain"), ["--maxmemory-policy", "allkeys-lru"]);
    servers.push(plain);
    const file = plan(bench, "empty.json", { runs: { a: {} } });
    const sweep = bench.start("sweep", file, "--queue", plain.url, "--json");
    let stderr = "";
    sweep.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
    });
    await until("both warnings", () => /appendonly is no, not yes/.test(stderr));
    expect(stderr).toMatch(/maxmemory-policy is allkeys-lru, not noeviction: jobs may be thrown away/);
    sweep.kill("SIGINT");
    await ended(sweep);
    expect(sweep.exitCode).toBe(130);
    expect(stderr).toContain("sweep: stopped with 0 of 1 runs done; the same command goes on");
    await plain.kill();
    const url = plain.url.replace("//", "//:secret@");
    for (const args of [
      ["sweep", file, "--queue", url],
      ["sweep-worker", "--queue", url],
    ]) {
      const gone = await bench.child(...args);
      expect(gone.code).toBe(1);
      expect(gone.stderr).toMatch(
        /redis:\/\/127\.0\.0\.1:\d+: no queue answers; expected a Redis server, got .*ECONNREFUSED/,
      );
      expect(gone.stderr).not.toContain("secret");
    }
  });
});
