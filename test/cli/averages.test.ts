/** @file `train` with what good recipes add: any number of ranks and resuming give the same bits, and files hold the result. */
import { readFileSync } from "node:fs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { loadCheckpoint, stateDigest } from "../../src/train/index.js";
import { Workbench } from "./run.js";

interface Summary {
  weightsSha256: string;
  epochs: number;
  top1: number;
  validation?: { top1: number };
  packed: { sha256: string; top1: number };
}

const SMALL =
  "--model resnet20 --data digits --bits 1W4A --limit 96 --test-limit 40 --batch 32 --shards 2 --epochs 2".split(" ");
const ADDED =
  "--ema 0.9 --mixup 0.3 --augment crop-flip-cutout --schedule cosine-restarts:1:2 --alpha-lr 0.02 --norm-lr 0.5 --freeze 0.009 --freeze-from 1 --validate 24 --keep best".split(
    " ",
  );
let bench: Workbench;
beforeAll(async () => {
  bench = await Workbench.open();
});
afterAll(() => bench?.close());

const small = (out: string, ...options: string[]): Promise<Summary> =>
  bench.json<Summary>("train", ...SMALL, ...options, "--out", out);

describe("train", () => {
  it("with everything added: one rank, two ranks, and the packed file of the checkpoint are one result", async () => {
    const one = await small("one", ...ADDED, "--ranks", "1");
    // Ranks are threads that run the bundled command line.
    const two = await bench.childJson<Summary>("train", ...SMALL, ...ADDED, "--out", "two", "--ranks", "2");
    expect([two.weightsSha256, two.packed.sha256]).toEqual([one.weightsSha256, one.packed.sha256]);
    const checkpoint = loadCheckpoint(readFileSync(bench.file("one", "checkpoint.safetensors")));
    expect(stateDigest(checkpoint.model)).toBe(one.weightsSha256);
    expect(stateDigest(checkpoint.training as typeof checkpoint.model)).not.toBe(one.weightsSha256);
    expect(checkpoint.average?.updates).toBe(2 * 3);
    const rows = readFileSync(bench.file("one", "metrics.jsonl"), "utf8")
      .trim()
      .split("\n")
      .map((row) => JSON.parse(row));
    expect(rows.map(({ average }) => average.updates)).toEqual([3, 6]);
    expect(Math.max(...Object.values<number>(rows[1].frozenShare))).toBeGreaterThan(0);
    expect(one.validation?.top1).toBe(100 * Math.max(...rows.map(({ valAccuracy }) => valAccuracy)));
    const verified = await bench.run("verify", "one");
    expect(verified.code, verified.stderr).toBe(0);
    // A complete run repeats the test alone, with the result and not with the weights of training.
    const again = await bench.json<Summary>("train", "--resume", "one");
    expect([again.weightsSha256, again.packed.sha256]).toEqual([one.weightsSha256, one.packed.sha256]);
  });

  it("looks at images after some epochs alone, with the same result", async () => {
    const each = await small("each", "--epochs", "3");
    const some = await small("some", "--epochs", "3", "--evaluate-every", "2");
    expect([some.weightsSha256, some.top1, some.packed.sha256]).toEqual([
      each.weightsSha256,
      each.top1,
      each.packed.sha256,
    ]);
    const rows = readFileSync(bench.file("some", "metrics.jsonl"), "utf8").trim().split("\n");
    expect(rows.map((row) => "valAccuracy" in JSON.parse(row))).toEqual([false, true, true]);
    const { code, stderr } = await bench.run("report", "some", "--out", bench.file("some.html"));
    expect(code, stderr).toBe(0);
  });

  it("refuses averages, epochs and figures that do not go together", async () => {
    const refusals: [string[], RegExp][] = [
      [["--ema", "0.9", "--swa", "1"], /--swa 1.*one of --ema and --swa/],
      [["--swa", "3"], /an epoch of the run, 1 to 2/],
      [["--ema", "1"], /--ema.*below 1/],
      [["--ema", "0.9", "--recalibrate", "never"], /an average of weights has no statistics/],
      [["--patience", "2"], /--validate N: the test images are not for choosing/],
      [["--keep", "best"], /--validate N/],
      [["--alpha-lr", "0.1", "--bits", "float"], /--bits nWmA/],
      [["--freeze", "0.1", "--bits", "32W4A"], /--bits nWmA with quantized weights/],
      [["--freeze", "0.1", "--method", "relax"], /--method bcgd or bc/],
      [["--freeze", "1"], /--freeze.*below 1/],
      [["--freeze-from", "1"], /--freeze FREQUENCY/],
      [["--freeze", "0.1", "--freeze-from", "3"], /an epoch of the run, 1 to 2/],
      [["--schedule", "cosine-restarts:0"], /epochs > 0/],
      [["--mixup", "-1"], /at least 0/],
    ];
    for (const [options, message] of refusals) {
      const { code, stderr } = await bench.run("train", ...SMALL, ...options, "--out", "refused");
      expect([code, stderr.replaceAll("\n", " ")]).toEqual([2, expect.stringMatching(message)]);
    }
  });
});
