import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { calibrate } from "../../src/cli/bench/calibrate.js";
import type { Row } from "../../src/cli/bench/harness.js";
import { FAMILIES, FAMILY_NAMES, type Family } from "../../src/cli/bench/index.js";
import { TRAIN_SPECS, trainee, trainWork } from "../../src/cli/bench/train.js";
import { relaxedAvailable } from "../../src/kernels/wasm.js";
import { Workbench } from "./run.js";

let cli: Workbench;
beforeAll(async () => {
  cli = await Workbench.open();
});
afterAll(() => cli?.close());

/** The rows of a family whose names are wanted, each sampled as briefly as can be. */
function rowsOf(family: Family, wants: (work: string) => boolean): Row[] {
  const rows: Row[] = [];
  FAMILIES[family]({ time: 1, seed: 1, wants, onRow: (row) => rows.push(row) });
  return rows;
}

/** Names of all rows; nothing is measured. */
function names(family: Family): string[] {
  const seen = new Set<string>();
  FAMILIES[family]({
    time: 1,
    seed: 1,
    wants: (work) => {
      seen.add(work);
      return false;
    },
    onRow: () => expect.unreachable("a row that nobody wants"),
  });
  return [...seen];
}

describe("bench", () => {
  it("has the families that the command promises", () => {
    expect(FAMILY_NAMES).toEqual(["gemm", "conv", "train", "infer", "elementwise", "overhead"]);
  });

  it("names rows in a way that stays", () => {
    expect(names("gemm")).toEqual(
      expect.arrayContaining([
        "sgemm 512x512x512",
        "sgemm 64x576x3136",
        "sgemm 512x4608x49",
        "sgemm 2048x800x64",
        "u8i8gemm 512x512x512",
      ]),
    );
    expect(names("conv")).toEqual(
      expect.arrayContaining(["fwd", "bwd-input", "bwd-weight"].map((pass) => `conv3x3 ${pass} 16->16@32 b128`)),
    );
    expect(names("train")).toEqual([
      "train mlp float b128",
      "train mlp 1W4A b128",
      "train lenet5 float b128",
      "train lenet5 1W4A b128",
      "train resnet20 float b128",
      "train resnet20 1W4A b128",
      "train resnet20 1W4A b128 taught",
      "train vgg11 float b128",
      "train vgg11 1W4A b128",
      "train mobilenetv1-0.25 float b128",
      "train mobilenetv1-0.25 1W4A b128",
      "train mobilenetv2-0.35 float b128",
      "train mobilenetv2-0.35 1W4A b128",
    ]);
    expect(names("overhead")).toEqual(["overhead resnet20 float b32", "overhead resnet20 1W4A b32"]);
    expect(names("elementwise")).toEqual(expect.arrayContaining(["wasm copy 65536", "copy 65536"]));
    expect(names("infer")).toEqual(
      expect.arrayContaining([
        "infer lenet5 float b1",
        "infer resnet18 1W4A b1",
        "infer resnet20 1W4A b1",
        "infer vgg11 1W4A b1",
        "infer resnet20 4W4A b1",
        "infer mobilenetv1-0.25 1W4A b1",
        "infer mobilenetv2-0.35 4W4A b1",
      ]),
    );
  });

  it.each([
    ["gemm", "sgemm 128x128x128", "gflops", 2 * 128 ** 3],
    ["conv", "conv3x3 bwd-input 64->64@56 b1", "gflops", 2 * 56 * 56 * 64 * 64 * 9],
    ["elementwise", "add 65536", "gbytesPerSecond", 12 * 65536],
    ["infer", "infer lenet5 1W4A b1", "imagesPerSecond", 1e9],
  ] as const)("%s: a row says what was done and how fast", (family, work, figure, amount) => {
    const rows = rowsOf(family, (name) => name === work);
    expect(rows.map((row) => row.work)).toEqual([work]);
    const [row] = rows;
    expect(row).toMatchObject({ threads: expect.any(Number), variant: expect.any(String), shape: expect.any(String) });
    expect(row.samples).toBeGreaterThan(0);
    expect(row.msMin).toBeGreaterThan(0);
    expect(row.ms).toBeGreaterThanOrEqual(row.msMin);
    expect(row.calibration).toBeGreaterThan(0);
    expect(row.cpuShare).toBeGreaterThanOrEqual(0);
    // The figure and the time are rounded to four digits each.
    expect((row[figure]! * row.ms * 1e6) / amount).toBeCloseTo(1, 2);
  });

  it.each(
    [
      ...TRAIN_SPECS.filter(({ model }) => model === "mlp" || model === "lenet5"),
      { model: "lenet5", bits: "1W4A", taught: true } as const,
    ].map((spec) => {
      const small = { ...spec, batch: 16 };
      return [trainWork(small), small] as const;
    }),
  )("%s: what is timed learns, and frees what it takes", (_, spec) => {
    const { step, dispose } = trainee(spec, 1);
    const losses = Array.from({ length: 12 }, step);
    dispose();
    expect(losses.every(Number.isFinite)).toBe(true);
    expect(losses[losses.length - 1]).toBeLessThan(losses[0]);
  });

  it("measures shards by one rank and by several", async () => {
    const { code, stdout } = await cli.child(
      ..."bench train --ranks 2 --time 20 --json --quiet --filter".split(" "),
      "lenet5 1W4A",
    );
    expect(code).toBe(0);
    const rows = stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line) as Row);
    const work = "train lenet5 1W4A b128";
    expect(rows.map((row) => row.work)).toEqual([work, `${work}, 4 shards`, `${work}, 4 shards, 2 ranks`]);
    for (const { ms, imagesPerSecond } of rows) expect([ms > 0, (imagesPerSecond ?? 0) > 0]).toEqual([true, true]);
    expect(rows.map(({ speedup }) => speedup !== undefined)).toEqual([false, true, true]);
  });
  it("prints one JSON object a line, of the rows that are asked for", async () => {
    const args = ["gemm", "elementwise", "--filter", "sgemm 128", "--filter", "relu 65536", "--time", "1"];
    const { code, stdout, stderr } = await cli.child("bench", ...args, "--json");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Row);
    expect(rows.map((row) => row.work)).toEqual(["sgemm 128x128x128", "sgemm 128x1152x784", "relu 65536"]);
    expect(Object.keys(rows[0])).toEqual(expect.arrayContaining(["shape", "threads", "variant", "ms", "gflops"]));
  });

  it("has a row for each layer on request", async () => {
    const args = ["infer", "--filter", "lenet5 1W4A b1", "--profile", "--time", "1", "--json"];
    const { code, stdout } = await cli.run("bench", ...args);
    expect(code).toBe(0);
    const rows = stdout
      .trimEnd()
      .split("\n")
      .map((line) => JSON.parse(line) as Row);
    const layers = ["conv1", "maxPool1", "conv2", "maxPool2", "flatten1", "fc1", "fc2"];
    expect(rows.map((row) => row.work)).toEqual([
      "infer lenet5 1W4A b1",
      ...layers.map((id) => `infer lenet5 1W4A b1 ${id}`),
    ]);
    expect(rows[3].gflops).toBeGreaterThan(0);
    expect(rows[3].shape).toBe("1x28x28x1 conv");
    expect(rows[2].gflops).toBeUndefined();
  });

  it("prints a table otherwise", async () => {
    const { code, stdout, stderr } = await cli.run("bench", "gemm", "--filter", "sgemm 128x128", "--time", "1");
    const kernels = relaxedAvailable() ? "relaxed-integers" : "simd";
    expect({ code, stderr }).toEqual({ code: 0, stderr: `one thread, ${kernels} kernels\n` });
    expect(stdout).toMatch(/^work +ms +fastest +GFLOP\/s .*calibration +CPU\nsgemm 128x128x128 +[\d. ]+\n$/);
  });

  it("calibrates with a number that says how fast the machine is", () => {
    expect(calibrate()).toBeGreaterThan(0.1);
    expect(calibrate()).toBeLessThan(1e4);
  });
});
