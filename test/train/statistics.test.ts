/**
 * @file Running statistics at the end of a run: taken where they help, told in the metrics, kept in the checkpoint, and
 * left alone elsewhere.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { manualSeed } from "../../src/autograd/random.js";
import { digits } from "../../src/data/digits.js";
import { BatchNorm1d, Dropout, Flatten, Linear, ReLU, Sequential } from "../../src/nn/index.js";
import { SGD } from "../../src/optim/index.js";
import { prepare } from "../../src/quant/prepare.js";
import { loadCheckpoint } from "../../src/train/checkpoint.js";
import { weightsDigest } from "../../src/train/digest.js";
import { evaluate } from "../../src/train/evaluate.js";
import { type FitOptions, fit as fitNet } from "../../src/train/fit.js";
import { disposeLater } from "../leaks.js";

const { train } = digits({ train: 600, test: 0 });
let warnings: string[] = [];
beforeEach(() => {
  warnings = [];
  vi.spyOn(console, "warn").mockImplementation((text: string) => void warnings.push(text));
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** A run whose running statistics lag by nearly all of the run if the momentum is small. */
async function run({
  momentum = 0.1,
  quantized = true,
  ...options
}: Partial<FitOptions> & { momentum?: number; quantized?: boolean }) {
  manualSeed(5);
  const norm = new BatchNorm1d(16, { momentum });
  const net = disposeLater(
    new Sequential(new Flatten(), new Linear(784, 16), norm, new ReLU(), new Dropout(0.1), new Linear(16, 10)),
  );
  if (quantized) prepare(net, { weights: 1, activations: 4 });
  const optimizer = disposeLater(new SGD(net.parameters(), { lr: 0.05, momentum: 0.9 }));
  const checkpoints: Uint8Array[] = [];
  const result = await fitNet(net, train, {
    epochs: 3,
    batch: 50,
    optimizer,
    onCheckpoint: (bytes) => void checkpoints.push(bytes),
    ...options,
  });
  return { net, norm, checkpoints, metrics: result.metrics, digest: weightsDigest(net) };
}
const bits = (norm: BatchNorm1d) => [...norm.runningMean.data.toTypedArray(), ...norm.runningVar.data.toTypedArray()];

describe("statistics that lag", () => {
  it("are estimated anew, told, and in the last checkpoint", async () => {
    const old = await run({ momentum: 0.002, recalibrate: false });
    const { net, norm, metrics, checkpoints } = await run({ momentum: 0.002 });
    const { statistics } = metrics[2];
    expect(statistics).toMatchObject({ images: 600, taken: true });
    expect(statistics?.estimated).toBeGreaterThan((statistics?.running ?? 1) + 0.05);
    expect(metrics[1]).not.toHaveProperty("statistics");
    // The same images without augmentation: evaluate must see what was told.
    expect((await evaluate(net, train)).top1).toBe(statistics?.estimated);
    expect((await evaluate(old.net, train)).top1).toBe(statistics?.running);
    expect(old.metrics[2].statistics).toEqual({ ...statistics, taken: false });
    expect([...(loadCheckpoint(checkpoints[2]).model.get("2.running_mean")!.data as Float32Array)]).toEqual(
      bits(norm).slice(0, 16),
    );
    expect(old.net.parameters().map((p) => [...p.toTypedArray()])).toEqual(
      net.parameters().map((p) => [...p.toTypedArray()]),
    );
    expect(warnings.some((text) => /statistics estimated anew, which were taken/.test(text))).toBe(true);
    expect(warnings.some((text) => /evaluation is far below training.*"auto" gives/.test(text))).toBe(true);
  });
  it("are the means over the batches of the network at the end", async () => {
    const { net, norm } = await run({ recalibrate: true });
    const got = bits(norm);
    // By the layer itself: one pass over all images at once gives the same means.
    const { runningMean } = norm;
    const pixels = Float64Array.from(train.images, (p) => Math.fround(p * Math.fround(1 / 255)));
    const { codes, delta } = (
      net[1] as unknown as { weight: { quantized(): { codes: { view(): Int8Array }; delta: Float32Array } } }
    ).weight.quantized();
    const w = codes.view();
    const bias = (net[1] as Linear).bias?.toTypedArray() ?? [];
    for (let c = 0; c < runningMean.data.size; c++) {
      let sum = 0;
      for (let i = 0; i < pixels.length; i++) sum += pixels[i] * w[c * 784 + (i % 784)];
      expect(got[c]).toBeCloseTo((delta[0] * sum) / 600 + bias[c], 4);
    }
  });
  it("resume to the same bits", async () => {
    const whole = await run({ momentum: 0.002 });
    const resumed = await run({ momentum: 0.002, resume: loadCheckpoint(whole.checkpoints[0]) });
    expect(resumed.digest).toBe(whole.digest);
    expect(resumed.checkpoints.at(-1)).toEqual(whole.checkpoints.at(-1));
  });
});

describe("statistics that stay", () => {
  it("are those of norms that were frozen", async () => {
    const { norm, metrics } = await run({ recalibrate: true });
    expect(metrics[2].statistics).toBeDefined();
    expect(bits(norm)).not.toEqual([...new Array(16).fill(0), ...new Array(16).fill(1)]);
    manualSeed(5);
    const still = new BatchNorm1d(16);
    const net = disposeLater(new Sequential(new Flatten(), new Linear(784, 16), still, new ReLU(), new Linear(16, 10)));
    prepare(net, { weights: 1, activations: 4 });
    const optimizer = disposeLater(new SGD(net.parameters(), { lr: 0.01 }));
    await fitNet(net, train, {
      epochs: 2,
      optimizer,
      recalibrate: true,
      beforeStep: ({ step }) => void (step === 0 && still.eval()),
    });
    expect(bits(still)).toEqual([...new Array(16).fill(0), ...new Array(16).fill(1)]);
  });
  it("are those of float networks, unless asked for", async () => {
    expect((await run({ quantized: false })).metrics[2]).not.toHaveProperty("statistics");
    expect((await run({ quantized: false, recalibrate: true })).metrics[2].statistics?.taken).toBe(true);
  });
  it("are those that no gain beyond chance speaks against", async () => {
    const [auto, never] = [await run({ momentum: 0.5 }), await run({ momentum: 0.5, recalibrate: false })];
    expect(auto.metrics[2].statistics?.taken).toBe(false);
    expect(auto.digest).toBe(never.digest);
  });
});
