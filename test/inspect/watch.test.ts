/** @file The watch over arrays: it names the line that makes what stays, counts steps, and costs nothing when off. */
import { afterEach, expect, it, vi } from "vitest";
import { add, mse, tensor } from "../../src/autograd/functions.js";
import { Tensor } from "../../src/autograd/tensor.js";
import { MemoryError } from "../../src/core/errors.js";
import { watchArrays } from "../../src/inspect/index.js";
import { Allocator, Heap, observers } from "../../src/memory/index.js";
import { scope } from "../../src/memory/scope.js";
import { NDArray } from "../../src/ndarray/ndarray.js";
import { Linear } from "../../src/nn/index.js";
import { Adam } from "../../src/optim/index.js";
import { disposeLater } from "../leaks.js";

afterEach(() => vi.restoreAllMocks());

const kept: Tensor[] = [];
const keep = (value: Tensor): Tensor => disposeLater(kept[kept.push(value) - 1]);

/** A training loop; `leak` is called in each step, inside its scope. */
function train(steps: number, leak: (loss: Tensor) => void): void {
  const net = disposeLater(new Linear(3, 2));
  const optimizer = disposeLater(new Adam(net.parameters(), { lr: 0.01 }));
  for (let i = 0; i < steps; i++) {
    scope(() => {
      optimizer.zeroGrad();
      const loss = mse(net.forward(tensor([[1, 2, 3]])), tensor([[0, 1]]));
      loss.backward();
      optimizer.step();
      leak(loss);
    });
  }
  optimizer.zeroGrad();
}

it("names the line whose arrays stay, how many, of how many steps", () => {
  using watch = watchArrays();
  train(5, () => {
    keep(tensor([1, 2, 3, 4]).persist()); // the line
  });
  const report = watch.leaks();
  expect(report.steps).toBe(5);
  expect(report.sites).toHaveLength(1);
  const [site] = report.sites;
  // What the last step left was made after its end.
  expect(site).toMatchObject({ arrays: 4, steps: 4, firstStep: 2, bytes: 256, what: "f32 [4]" });
  expect(site.where).toMatch(/test\/inspect\/watch\.test\.ts:\d+:\d+/);
  expect(site.stack.every((frame) => !frame.includes("/src/"))).toBe(true);
  expect(report.stepsUntilFull).toBe(2 ** 32 / 64);
  expect(`${report}`).toMatch(
    /^4 arrays \(256 B\) outlived the step that made them, in 5 steps; [\s\S]*watch\.test\.ts/,
  );
});

it("finds nothing where each step has a scope: parameters, gradients and states of optimizers are no leaks", () => {
  using watch = watchArrays();
  train(6, (loss) => void loss.item());
  expect(watch.leaks()).toMatchObject({ sites: [], arrays: 0, bytes: 0, stepsUntilFull: Number.POSITIVE_INFINITY });
  expect(`${watch.leaks()}`).toBe("no arrays outlived their step in 6 steps");
});

it("finds the loop without a scope, each place of it", () => {
  const outer = scope();
  using watch = watchArrays({ warnAfter: 0 });
  const net = disposeLater(new Linear(3, 2));
  const optimizer = disposeLater(new Adam(net.parameters(), { lr: 0.01 }));
  for (let i = 0; i < 4; i++) {
    optimizer.zeroGrad();
    mse(net.forward(tensor([[1, 2, 3]])), tensor([[0, 1]])).backward();
    optimizer.step();
  }
  const { sites, arrays } = watch.leaks();
  expect(sites.length).toBeGreaterThanOrEqual(4);
  expect(arrays).toBeGreaterThanOrEqual(16);
  optimizer.zeroGrad();
  outer.close();
  expect(watch.leaks().arrays).toBe(0);
});

it("counts steps of its own once it is told of one, and warns once", () => {
  const warn = vi.spyOn(console, "warn").mockImplementation(() => undefined);
  using watch = watchArrays({ warnAfter: 3 });
  for (let i = 0; i < 8; i++) {
    keep(add(keep(tensor([1])), keep(tensor([2]))));
    watch.step();
  }
  expect(watch.steps).toBe(8);
  expect(warn).toHaveBeenCalledTimes(1);
  expect(warn.mock.calls[0][0]).toMatch(/^CoarsegradLeakWarning: 9 arrays .* in 3 steps; [\s\S]*watch\.test\.ts:\d+/);
  // With steps of its own, those of optimizers are none.
  train(2, () => undefined);
  expect(watch.steps).toBe(8);
});

it("does nothing when it is off", () => {
  const watch = watchArrays();
  expect(observers).toHaveLength(1);
  watch.stop();
  watch.stop();
  expect(observers).toHaveLength(0);
  keep(tensor([1]));
  watch.step();
  watch.step();
  expect(watch.leaks().sites).toEqual([]);
});

it("a full heap says how many arrays live, what to do, and where they were made", () => {
  const full = (): string => {
    const allocator = new Allocator(new Heap({ wasm: false, maximumBytes: 65536 }));
    allocator.arrays = 261;
    try {
      allocator.allocate(2 ** 20);
    } catch (error) {
      expect(error).toBeInstanceOf(MemoryError);
      return (error as Error).message;
    }
    return "";
  };
  expect(full()).toContain(
    "use smaller batches, or free some of the 261 live arrays: scope(() => …) around each step of a loop frees what the step made",
  );
  expect(full()).not.toContain("were made at");
  using watch = watchArrays({ warnAfter: 0 });
  for (let i = 0; i < 3; i++) {
    keep(new Tensor(NDArray.zeros([4])));
    watch.step();
  }
  expect(full()).toMatch(/; 3 of them were made at \S*watch\.test\.ts:\d+:\d+(?: \(.*\))?, in 3 steps$/);
});

it.each([{ warnAfter: -1 }, { warnAfter: "never" }, { warn: 3 }])("refuses %j", (options) => {
  expect(() => watchArrays(options as never)).toThrow(/^watchArrays: /);
  expect(observers).toHaveLength(0);
});
