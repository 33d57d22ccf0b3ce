import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ArgumentError, DisposedError, FormatError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { sizeOf } from "../../src/core/shape.js";
import { type Plan, planValues, writePacked } from "../../src/format/index.js";
import { createSession, init } from "../../src/infer/index.js";
import { type Backend, memory } from "../../src/kernels/engine.js";
import { randomModel } from "../format/models.js";
import { naiveRun } from "./naive.js";

const { fround } = Math;

function randomInput(rng: Rng, plan: Plan, count: number): Uint8Array | Float32Array {
  const length = count * sizeOf(plan.input.shape);
  if (plan.input.dtype === "f32") return Float32Array.from({ length }, () => rng.range(-1, 1));
  return Uint8Array.from({ length }, () => rng.int(256));
}

describe.each<Backend>(["wasm", "reference"])("on the %s backend", (backend) => {
  beforeEach(() => {
    init({ backend });
  });
  afterEach(() => {
    expect(memory().arrays).toBe(0);
    expect(memory().bytes).toBe(0);
  });

  it("every value of random models is what its definition says", () => {
    for (let seed = 0; seed < (backend === "wasm" ? 300 : 100); seed++) {
      const rng = new Rng(`model ${seed}`);
      const { plan, data } = randomModel(rng, 8);
      const input = randomInput(rng, plan, 1 + rng.int(5));
      const expected = naiveRun(plan, data, input);
      const packed = writePacked(plan, data);
      using session = createSession(packed, { maxBatch: 1 + rng.int(4), fuse: false });
      const size = new Map<string, number>();
      const output = session.runTraced(input, ({ id, first, data: values, type }) => {
        const at = first * sizeOf(type.shape);
        size.set(id, at + values.length);
        const wanted = expected.get(id)?.slice(at, at + values.length);
        expect([...values], `seed ${seed}, node ${id} of ${JSON.stringify(plan.nodes)}`).toEqual(wanted);
      });
      for (const [id, values] of expected) expect(size.get(id)).toBe(values.length);
      using fused = createSession(packed);
      expect(fused.run(input), `seed ${seed}`).toEqual(output);
      const step = planValues(plan, "test").get(plan.output)?.step ?? 1;
      expect([...output], `seed ${seed}`).toEqual(expected.get(plan.output)?.map((value) => fround(value * step)));
    }
  });

  it("splits of the input and earlier runs change nothing", () => {
    const rng = new Rng("splits");
    const { plan, data } = randomModel(new Rng(17), 8);
    const input = randomInput(rng, plan, 7);
    const bytes = writePacked(plan, data);
    using whole = createSession(bytes);
    using single = createSession(bytes, { maxBatch: 1 });
    const first = whole.run(input);
    expect(single.run(input)).toEqual(first);
    const one = input.subarray(0, sizeOf(plan.input.shape));
    expect(whole.run(one)).toEqual(first.subarray(0, first.length / 7));
    expect(whole.run(input)).toEqual(first);
  });
});

/** linear 4 → 3 with ternary codes. */
function linear(): Uint8Array {
  const plan: Plan = {
    input: { shape: [2, 2, 1], dtype: "u8", step: fround(1 / 255) },
    nodes: [
      { op: "flatten", id: "flatten", input: "input" },
      { op: "linear", id: "fc", input: "flatten", out: 3, bits: 2, granularity: "layer", bias: true },
    ],
    output: "fc",
    classes: ["x", "y", "z"],
  };
  const codes = Int8Array.of(1, 0, 0, 0, 0, 1, -1, 0, 0, 0, 0, 1);
  return writePacked(
    plan,
    new Map([["fc", { codes, delta: Float32Array.of(0.5), bias: Float32Array.of(0, 0.25, 0) }]]),
  );
}

describe("a session", () => {
  afterEach(() => {
    expect(memory().arrays).toBe(0);
  });

  it("gives logits, labels and codes", () => {
    using session = createSession(linear());
    const s = fround(0.5 * fround(1 / 255));
    const input = Uint8Array.of(255, 10, 3, 4, 0, 0, 255, 255);
    expect(session.inputShape).toEqual([2, 2, 1]);
    expect(session.outputShape).toEqual([3]);
    expect(session.classes).toEqual(["x", "y", "z"]);
    const logits = [255, 7, 4, 0, -255, 255].map((acc, i) => fround(fround(acc * s) + (i % 3 === 1 ? 0.25 : 0)));
    expect([...session.run(input)]).toEqual(logits);
    expect([...session.predict(input)]).toEqual([0, 2]);
    expect([...session.codes(input, "flatten")]).toEqual([...input]);
    expect(session.run(new Uint8Array(0)).length).toBe(0);
  });

  it("takes real values for codes, to the nearest, and canvas bytes", () => {
    using session = createSession(linear());
    const bytes = Uint8Array.of(255, 128, 1, 0);
    const wanted = session.run(bytes);
    expect(session.run(Float32Array.from(bytes, (b) => b / 255))).toEqual(wanted);
    expect(session.run(Float32Array.from(bytes, (b) => (b === 0 ? 0.001 : b / 255 - 0.001)))).toEqual(wanted);
    expect(session.run(new Uint8ClampedArray(bytes))).toEqual(wanted);
  });

  it("the first of equal outputs is the label", () => {
    using session = createSession(linear());
    expect([...session.predict(Uint8Array.of(9, 0, 0, 9))][0]).toBe(1);
    expect([...session.predict(Uint8Array.of(255, 0, 0, 255))][0]).toBe(0);
  });

  it("refuses what it cannot take", () => {
    using session = createSession(linear());
    expect(() => session.run(new Uint8Array(5))).toThrow("a multiple of 4 values, [2,2,1] each, got 5");
    expect(() => session.run(Float32Array.of(0, 2, 0, 0))).toThrow(ArgumentError);
    expect(() => session.run(Float32Array.of(0, Number.NaN, 0, 0))).toThrow("value 1 of an image");
    expect(() => session.codes(new Uint8Array(4), "fc9")).toThrow("input, flatten, fc, got fc9");
    expect(() => createSession(linear(), { maxBatch: 0 })).toThrow(ArgumentError);
    expect(() => createSession(new Uint8Array(20), { file: "a.cgm" })).toThrow(FormatError);
    expect(() => createSession(new Uint8Array(20), { file: "a.cgm" })).toThrow(/^a\.cgm: /);
  });

  it("takes canvas pixels as one image", () => {
    const model = (channels: number, dtype: "u8" | "f32"): Uint8Array => {
      const input = {
        shape: [1, 2, channels],
        dtype,
        ...(dtype === "u8" && { step: fround(1 / 255) }),
      } as Plan["input"];
      const id = dtype === "u8" ? "dequantize" : "relu";
      return writePacked({ input, nodes: [{ op: id, id, input: "input" }], output: id }, new Map());
    };
    const canvas = { width: 2, height: 1, data: Uint8ClampedArray.of(255, 0, 10, 77, 1, 2, 3, 255) };
    const luma = [Math.round(0.299 * 255 + 0.114 * 10), Math.round(0.299 + 2 * 0.587 + 3 * 0.114)];
    for (const [channels, wanted] of [
      [1, luma],
      [3, [255, 0, 10, 1, 2, 3]],
      [4, [...canvas.data]],
    ] as const) {
      using codes = createSession(model(channels, "u8"));
      expect([...codes.run(canvas)]).toEqual(wanted.map((code) => fround(code * fround(1 / 255))));
      using reals = createSession(model(channels, "f32"));
      expect([...reals.run(canvas)]).toEqual(wanted.map((code) => fround(code / 255)));
    }
    using session = createSession(model(3, "u8"));
    expect([...session.predict(canvas)]).toEqual([0]);
    expect(() => session.run({ ...canvas, width: 3 })).toThrow("a canvas of the model's size");
    expect(() => session.run({ ...canvas, data: canvas.data.subarray(1) })).toThrow("1×2 pixels in 7 bytes");
    using deep = createSession(model(2, "u8"));
    expect(() => deep.run(canvas)).toThrow("canvas pixels do not fit; expected [1,2,2]");
  });

  it("writes its outputs where it is told, makes no array on the way, and warms up", () => {
    using session = createSession(linear(), { maxBatch: 3, warmUp: 2 });
    const { arrays, bytes } = memory();
    expect(arrays).toBe(2);
    const input = new Uint8Array(20).fill(3);
    const wanted = session.run(input);
    const output = new Float32Array(15);
    expect(session.run(input, output)).toBe(output);
    expect(output).toEqual(wanted);
    expect(memory()).toMatchObject({ arrays, bytes });
    expect(() => session.run(input, new Float32Array(14))).toThrow("length of the output; expected 15, got 14");
    expect(() => createSession(linear(), { warmUp: -1 })).toThrow("warmUp; expected an integer from 0 to 1000");
    expect(memory().arrays).toBe(arrays);
  });

  it("allocates nothing of the size of its values on JavaScript's heap", () => {
    const { plan, data } = randomModel(new Rng(17), 8);
    using session = createSession(writePacked(plan, data), { maxBatch: 4, warmUp: 1 });
    const input = randomInput(new Rng(1), plan, 4);
    const output = session.run(input);
    const made: number[] = [];
    const originals = { Uint8Array, Float32Array, Int32Array, Int8Array };
    /** Counts arrays that own their memory; views of the heap are free. */
    for (const [name, original] of Object.entries(originals)) {
      const counting = new Proxy(original, {
        construct(target, args, self) {
          if (!(args[0] instanceof ArrayBuffer)) made.push(Number(args[0]?.length ?? args[0]));
          return Reflect.construct(target, args, self);
        },
      });
      Object.assign(globalThis, { [name]: counting });
    }
    try {
      for (let run = 0; run < 3; run++) session.run(input, output);
    } finally {
      Object.assign(globalThis, originals);
    }
    expect(made).toEqual([]);
  });

  it("times its layers", () => {
    using session = createSession(linear());
    const profile = session.profile({ runs: 3 });
    expect(profile).toMatchObject({ batch: 1, runs: 3 });
    expect(profile.layers.map(({ id, op, macs }) => [id, op, macs])).toEqual([
      ["flatten", "flatten", 0],
      ["fc", "linear", 12],
    ]);
    expect(profile.layers.every(({ ms, gops }) => ms >= 0 && gops >= 0)).toBe(true);
    expect(session.profile({ input: new Uint8Array(8), runs: 1 }).layers[1].macs).toBe(24);
    expect(session.profile({ input: new Uint8Array(4 * 64), runs: 1 }).batch).toBe(64);
    expect(() => session.profile({ input: new Uint8Array(4 * 65), runs: 1 })).toThrow("expected 1 to 64, got 65");
    expect(() => session.profile({ runs: 0 })).toThrow("session.profile: bad runs");
    expect(() => session.profile({ input: new Uint8Array(0) })).toThrow("number of images; expected 1 to 64, got 0");
    session.dispose();
    expect(() => session.profile()).toThrow(DisposedError);
  });

  it("holds its memory until it is disposed of, and takes no more with every run", () => {
    const session = createSession(linear());
    const input = new Uint8Array(40);
    session.run(input);
    const { arrays, bytes } = memory();
    expect(arrays).toBe(2);
    for (let i = 0; i < 20; i++) session.run(input.subarray(0, 4 * (1 + (i % 10))));
    expect(memory().bytes).toBe(bytes);
    session.dispose();
    session.dispose();
    expect(memory().arrays).toBe(0);
    expect(() => session.run(input)).toThrow(DisposedError);
  });
});
