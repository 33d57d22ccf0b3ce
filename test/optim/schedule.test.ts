/** @file Schedules against tables worked out by hand and against PyTorch's closed forms in plain f64. */
import { describe, expect, it } from "vitest";
import {
  constant,
  cosine,
  cosineRestarts,
  multiStepLR,
  oneCycle,
  parseSchedule,
  product,
  type Schedule,
  type SchedulePoint,
  scheduleFrom,
  stepLR,
  warmup,
} from "../../src/optim/schedule/index.js";

const at = (step: number, stepsPerEpoch = 1, epochs = 10): SchedulePoint => ({ step, stepsPerEpoch, epochs });
const table = (schedule: Schedule, stepsPerEpoch: number, epochs: number): number[] =>
  Array.from({ length: stepsPerEpoch * epochs }, (_, step) => schedule(at(step, stepsPerEpoch, epochs)));

describe("stepLR", () => {
  it("drops every k epochs and not within an epoch", () => {
    expect(table(stepLR({ every: 2, gamma: 0.5 }), 2, 5)).toEqual([1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5, 0.25, 0.25]);
  });
});

describe("multiStepLR", () => {
  it("drops at its milestones", () => {
    const schedule = multiStepLR({ milestones: [80, 140] });
    expect([79, 80, 139, 140, 199].map((epoch) => schedule(at(epoch, 1, 200)))).toEqual([
      1,
      0.1,
      0.1,
      0.1 * 0.1,
      0.1 * 0.1,
    ]);
  });
});

describe("cosine", () => {
  it("goes from 1 to min along half a cosine", () => {
    const values = table(cosine({ min: 0.2 }), 4, 2);
    values.forEach((value, step) => {
      expect(value).toBeCloseTo(0.2 + (0.8 * (1 + Math.cos((Math.PI * step) / 8))) / 2, 14);
    });
    expect(values[0]).toBe(1);
  });
  it("holds within an epoch when asked to", () => {
    const values = table(cosine({ per: "epoch" }), 3, 2);
    expect(values.slice(0, 3)).toEqual([1, 1, 1]);
    expect(values[3]).toBeCloseTo(0.5, 14);
    expect(values[4]).toBe(values[3]);
  });
  it("stays at min past the end", () => {
    expect(cosine({ min: 0.1 })(at(25))).toBeCloseTo(0.1, 15);
  });
});

describe("cosineRestarts", () => {
  it("is PyTorch's CosineAnnealingWarmRestarts: arcs of 2, 4 and 8 epochs, by fractions of epochs", () => {
    const values = table(cosineRestarts({ period: 2, mult: 2, min: 0.1 }), 4, 14);
    for (const [from, length] of [
      [0, 2],
      [2, 4],
      [6, 8],
    ]) {
      expect(values[4 * from]).toBe(1);
      for (let k = 0; k < 4 * length; k++) {
        const want = 0.1 + (0.9 * (1 + Math.cos((Math.PI * k) / (4 * length)))) / 2;
        expect(values[4 * from + k]).toBeCloseTo(want, 12);
      }
    }
  });
  it("starts anew every period without a multiple, far out too, and within an epoch", () => {
    const values = table(cosineRestarts({ period: 1.5 }), 2, 6);
    expect(values.slice(3, 6)).toEqual(values.slice(0, 3));
    expect(cosineRestarts({ period: 3 })(at(3_000_000, 1, 4_000_000))).toBe(1);
  });
  it("is read and refused on the command line", () => {
    expect(parseSchedule("cosine-restarts:10:2:0.01")).toEqual({
      name: "cosine-restarts",
      period: 10,
      mult: 2,
      min: 0.01,
    });
    expect(parseSchedule("cosine-restarts:10")).toEqual({ name: "cosine-restarts", period: 10 });
    for (const bad of [
      "cosine-restarts",
      "cosine-restarts:0",
      "cosine-restarts:3:0.5",
      "cosine-restarts:3:1:2",
      "cosine-restarts:3:1:0:1",
      "cosine:1:2",
    ])
      expect(() => parseSchedule(bad), bad).toThrow(/schedule|cosineRestarts/);
  });
});

describe("oneCycle", () => {
  it("matches PyTorch's OneCycleLR with cosine annealing", () => {
    // torch.optim.lr_scheduler.OneCycleLR(max_lr=1, total_steps=10): phases end at 0.3·10 − 1 = 2 and 9.
    const arc = (start: number, end: number, t: number) => end + ((start - end) / 2) * (1 + Math.cos(Math.PI * t));
    const expected = Array.from({ length: 10 }, (_, s) =>
      s <= 2 ? arc(1 / 25, 1, s / 2) : arc(1, 1 / 25 / 1e4, (s - 2) / 7),
    );
    table(oneCycle(), 5, 2).forEach((value, step) => {
      expect(value).toBeCloseTo(expected[step], 13);
    });
    expect(oneCycle()(at(2))).toBe(1);
    expect(oneCycle()(at(9))).toBeCloseTo(4e-6, 15);
  });
  it("stays within its bounds when the rise is shorter than a step", () => {
    for (const value of table(oneCycle({ pctStart: 0.01 }), 3, 1)) expect(value).toBeLessThanOrEqual(1);
  });
});

describe("warmup and product", () => {
  it("ramps linearly, then leaves the schedule alone", () => {
    expect(table(warmup(constant(), { steps: 4 }), 3, 2)).toEqual([0.25, 0.5, 0.75, 1, 1, 1]);
    expect(table(warmup(constant(), { epochs: 0.5, start: 0.5 }), 4, 1)).toEqual([0.75, 1, 1, 1]);
  });
  it("does not shift the inner clock", () => {
    const inner = multiStepLR({ milestones: [1], gamma: 0.5 });
    expect(table(warmup(inner, { epochs: 1 }), 2, 2)).toEqual([0.5, 1, 0.5, 0.5]);
  });
  it("multiplies", () => {
    expect(
      product(
        () => 0.5,
        () => 0.25,
      )(at(0)),
    ).toBe(0.125);
    expect(product()(at(0))).toBe(1);
  });
});

describe("specifications", () => {
  it("reads the command line's forms", () => {
    expect(parseSchedule("constant")).toEqual({ name: "constant" });
    expect(parseSchedule("step:30")).toEqual({ name: "step", every: 30 });
    expect(parseSchedule("multistep:80,140:0.2")).toEqual({ name: "multistep", milestones: [80, 140], gamma: 0.2 });
    expect(parseSchedule("cosine:0.01")).toEqual({ name: "cosine", min: 0.01 });
    expect(parseSchedule("onecycle")).toEqual({ name: "onecycle" });
  });
  it.each([
    "",
    "linear",
    "step",
    "step:x",
    "step:0",
    "multistep:3,",
    "multistep:1:0",
    "cosine:2",
    "onecycle:3",
    "step:1:1:1",
  ])("refuses %j", (text) => {
    expect(() => parseSchedule(text)).toThrow(/schedule|LR|cosine/i);
  });
  it("builds what it describes", () => {
    const schedule = scheduleFrom({ name: "multistep", milestones: [1], gamma: 0.5, warmupEpochs: 1 });
    expect(table(schedule, 2, 2)).toEqual([0.5, 1, 0.5, 0.5]);
  });
});
