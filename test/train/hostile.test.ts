/**
 * @file Every door of training, with what does not belong there: a value or an error of the library, and nothing stays
 * alive.
 */
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CoarsegradError } from "../../src/core/errors.js";
import { digits } from "../../src/data/digits.js";
import { memory } from "../../src/kernels/engine.js";
import { Flatten, Linear, Sequential } from "../../src/nn/index.js";
import { SGD } from "../../src/optim/index.js";
import * as training from "../../src/train/index.js";
import { hostileValues } from "../hostile-values.js";
import { disposeLater } from "../leaks.js";

const { train } = digits({ train: 8, test: 0 });
const setUp = () => {
  const net = disposeLater(new Sequential(new Flatten(), new Linear(784, 10)));
  return { net, optimizer: disposeLater(new SGD(net.parameters(), { lr: 0.01 })) };
};
const gone = () => {
  const net = new Sequential(new Flatten(), new Linear(784, 10));
  net.dispose();
  return net;
};
const hostile = (): unknown[] => [...hostileValues().map(([, value]) => value), { length: 1e9 }, gone()];

async function outcome(call: () => unknown): Promise<string> {
  try {
    const value = await call();
    const { dispose } = (value ?? {}) as { dispose?: () => void };
    if (typeof dispose === "function") dispose.call(value);
    return "value";
  } catch (error) {
    return error instanceof CoarsegradError ? "refused" : `${(error as Error)?.stack ?? error}`;
  }
}
const fine = ["value", "refused"];

beforeEach(() => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
});
afterEach(() => {
  vi.restoreAllMocks();
});

type Call = (x: unknown, y: unknown) => unknown;
const t = training as unknown as Record<string, Call & ((...args: unknown[]) => unknown)>;
const singles = ["canonicalJson", "configHash", "weightsDigest", "labelTensor"];
const pairs = ["imageTensor", "countHits", "trainingLoader", "evaluate"];

describe("hostile arguments", () => {
  it.each(singles)("%s", async (name) => {
    for (const x of hostile()) expect(fine).toContain(await outcome(() => t[name](x, undefined)));
  });
  it.each(pairs)("%s", async (name) => {
    const values = hostile();
    for (const x of values) for (const y of values) expect(fine).toContain(await outcome(() => t[name](x, y)));
  });
  it("evaluate, beside a network and images", async () => {
    const { net } = setUp();
    for (const x of hostile()) {
      expect(fine).toContain(await outcome(() => t.evaluate(net, x)));
      expect(fine).toContain(await outcome(() => t.evaluate(x, train)));
      expect(fine).toContain(await outcome(() => t.evaluate(net, train, x)));
      for (const name of ["batch", "onProgress", "signal"])
        expect(fine).toContain(await outcome(() => t.evaluate(net, train, { [name]: x })));
    }
    expect(net.modules().every((module) => module.training)).toBe(true);
  });
  it("fit, in each place and option", async () => {
    const { net, optimizer } = setUp();
    const good = { epochs: 1, optimizer };
    const names = [
      "epochs",
      "optimizer",
      "batch",
      "seed",
      "labelSmoothing",
      "clipGradNorm",
      "transforms",
      "dropLast",
      "validation",
      "evalBatch",
      "recalibrate",
      "config",
      "resume",
      "signal",
      "schedule",
      "onEpoch",
      "onProgress",
      "onCheckpoint",
      "beforeStep",
    ];
    for (const x of hostile()) {
      const alive = memory().arrays;
      expect(fine).toContain(await outcome(() => t.fit(x, train, good)));
      expect(fine).toContain(await outcome(() => t.fit(net, x, good)));
      expect(fine).toContain(await outcome(() => t.fit(net, train, x)));
      // As many epochs as asked for are as many: 2^32 of them are no test.
      for (const name of names.filter((key) => key !== "epochs" || typeof x !== "number" || x < 1))
        expect(fine).toContain(await outcome(() => t.fit(net, train, { ...good, [name]: x })));
      expect(memory().arrays).toBe(alive);
    }
  });
  it("fit, with a loader whose batches are not what it says", async () => {
    const { net, optimizer } = setUp();
    const { train: two } = digits({ train: 2, test: 0 });
    const batch = {
      images: two.images,
      labels: Int32Array.of(0, 1),
      indices: Uint32Array.of(0, 1),
      count: 2,
      shape: [2, 28, 28, 1],
      epoch: 0,
      index: 0,
    };
    const loader = (item: unknown) => ({
      name: "mine",
      classes: 10,
      imageShape: [28, 28, 1],
      batches: 1,
      images: 2,
      async *epoch() {
        yield item;
      },
    });
    expect(await outcome(() => t.fit(net, loader(batch), { epochs: 1, optimizer }))).toBe("value");
    for (const x of hostile()) {
      expect(await outcome(() => t.fit(net, loader(x), { epochs: 1, optimizer }))).toBe("refused");
      for (const name of ["images", "labels", "count", "shape", "index"])
        expect(fine).toContain(
          await outcome(() => t.fit(net, loader({ ...batch, [name]: x }), { epochs: 1, optimizer })),
        );
    }
    expect(await outcome(() => t.fit(net, loader({ ...batch, labels: [0, 10] }), { epochs: 1, optimizer }))).toBe(
      "refused",
    );
    expect(
      await outcome(() =>
        t.fit(net, loader({ ...batch, images: Float32Array.from(two.images) }), { epochs: 1, optimizer }),
      ),
    ).toBe("refused");
  });
});
