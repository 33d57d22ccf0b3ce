/**
 * @file The runtime under attack: hostile arguments, edited models, files that ask for too much, sessions used inside
 * themselves.
 */
import { readFileSync } from "node:fs";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { afterEach, describe, expect, it } from "vitest";
import {
  ArgumentError,
  CoarsegradError,
  DisposedError,
  FormatError,
  MemoryError,
  ScopeError,
} from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { sizeOf } from "../../src/core/shape.js";
import { pack, summarize } from "../../src/export/index.js";
import { type PackedModel, type Plan, type PlanNode, writePacked } from "../../src/format/index.js";
import { createSession, init, readPacked, variant } from "../../src/infer/index.js";
import { memory } from "../../src/kernels/engine.js";
import { netSpec } from "../export/arbitrary-nets.js";
import { buildNet } from "../export/nets.js";
import { expectTyped, expectTypedOptions } from "../hostile-values.js";

afterEach(() => {
  expect(memory().arrays).toBe(0);
});

/** linear 4 → 3 with ternary codes; of each image, these outputs. */
function linear(): Uint8Array {
  const nodes: PlanNode[] = [
    { op: "flatten", id: "flatten", input: "input" },
    { op: "linear", id: "fc", input: "flatten", out: 3, bits: 2, granularity: "layer" },
  ];
  const plan: Plan = { input: { shape: [2, 2, 1], dtype: "u8", step: 1 }, nodes, output: "fc" };
  const codes = Int8Array.of(1, 0, 0, 0, 0, 1, -1, 0, 0, 0, 0, 1);
  return writePacked(plan, new Map([["fc", { codes, delta: Float32Array.of(0.5) }]]));
}
const IMAGE = Uint8Array.of(10, 20, 40, 7);
const OUTPUT = [5, -10, 3.5];

describe("hostile arguments give values or errors of the library", () => {
  it("to functions", async () => {
    const bytes = linear();
    await expectTyped("createSession", createSession, () => [bytes, {}]);
    await expectTyped("readPacked", readPacked, () => [bytes, "a.cgm"]);
    await expectTyped("variant", variant, () => []);
    const options = ["maxBatch", "warmUp", "fuse", "file", "limits"];
    await expectTypedOptions("createSession", options, (given) => createSession(bytes, given));
    await expectTypedOptions("limits", ["memory", "work"], (limits) => createSession(bytes, { limits }));
    for (const value of [null, 3, "wasm", [], () => 0]) expect(() => init(value as never)).toThrow(CoarsegradError);
  });

  it("to a session, which works as before afterwards", async () => {
    using session = createSession(linear(), { warmUp: 1 });
    await expectTyped("run", session.run.bind(session), () => [IMAGE, new Float32Array(3)]);
    await expectTyped("predict", session.predict.bind(session), () => [IMAGE]);
    await expectTyped("codes", session.codes.bind(session), () => [IMAGE, "flatten"]);
    await expectTyped("runTraced", session.runTraced.bind(session), () => [IMAGE, () => undefined]);
    await expectTyped("profile", session.profile.bind(session), () => [{ runs: 1 }]);
    await expectTypedOptions("profile", ["input", "runs"], (given) => session.profile(given), { runs: 1 });
    const canvas = { width: 2, height: 2, data: new Uint8ClampedArray(16) };
    await expectTypedOptions("canvas", ["width", "height", "data"], (given) => session.run(given), canvas);
    expect([...session.run(IMAGE)]).toEqual(OUTPUT);
    expect([...session.codes(IMAGE, "flatten")]).toEqual([...IMAGE]);
  });

  it("files and images of other realms are what they are here", () => {
    const foreign = runInNewContext("Uint8Array.from(list)", { list: [...linear()] });
    for (const bytes of [linear().buffer, foreign, foreign.buffer, new DataView(linear().buffer)]) {
      using session = createSession(bytes);
      expect([...session.run(runInNewContext("Uint8Array.of(10, 20, 40, 7)"))]).toEqual(OUTPUT);
      expect([...session.run(runInNewContext("Float32Array.of(10, 20, 40, 7)"))]).toEqual(OUTPUT);
    }
  });
});

/** Every place inside a model where a value can be put: [holder, key]. */
function places(root: object, found: [object, PropertyKey][] = [], seen = new Set<object>()): [object, PropertyKey][] {
  if (seen.has(root)) return found;
  seen.add(root);
  const entries = root instanceof Map ? [...root.values()] : [];
  for (const key of Object.keys(root).slice(0, 40)) {
    found.push([root, key]);
    entries.push((root as Record<string, unknown>)[key]);
  }
  if (root instanceof Map) for (const key of root.keys()) found.push([root, key]);
  for (const value of entries) if (typeof value === "object" && value !== null) places(value, found, seen);
  return found;
}

/** Edits one place; frozen ones refuse. */
function edit([holder, key]: [object, PropertyKey], value: unknown): void {
  try {
    if (holder instanceof Map) value === undefined ? holder.delete(key) : holder.set(key, value);
    else (holder as Record<PropertyKey, unknown>)[key] = value;
  } catch (error) {
    expect(error).toBeInstanceOf(TypeError);
  }
}

describe("edits of a model that was read", () => {
  const committed = ["lenet5-mnist-1w4a", "resnet20-cifar10-1w4a"].map(
    (name) => new Uint8Array(readFileSync(new URL(`../../experiments/${name}/model.cgm`, import.meta.url))),
  );
  const edited = fc.constantFrom(30, -1, 0, 2 ** 31, Number.NaN, "x", null, undefined, [], [30, 30], new Int8Array(1));
  const attack = (bytes: Uint8Array, at: readonly number[], values: readonly unknown[]): void => {
    const model = readPacked(bytes);
    const { shape, dtype } = model.plan.input;
    const length = sizeOf(shape);
    const rng = new Rng("edit");
    const image = dtype === "u8" ? Uint8Array.from({ length }, () => rng.int(256)) : new Float32Array(length).fill(0.5);
    using whole = createSession(bytes, { maxBatch: 1 });
    const expected = whole.run(image);
    using before = createSession(model, { maxBatch: 2 });
    const all = places(model);
    // The session's own plan and shapes are handed out too.
    all.push(...places(before.plan), ...places(before.inputShape as object));
    at.forEach((place, i) => {
      edit(all[place % all.length], values[i]);
    });
    expect(before.run(image)).toEqual(expected);
    const two = [...image, ...image];
    const pair = dtype === "u8" ? Uint8Array.from(two) : Float32Array.from(two);
    expect([...before.run(pair)]).toEqual([...expected, ...expected]);
    try {
      using after = createSession(model);
      expect(after.run(image)).toEqual(expected);
    } catch (error) {
      expect(error).toBeInstanceOf(CoarsegradError);
    }
  };
  const edits = fc.array(fc.tuple(fc.nat(100_000), edited), { minLength: 1, maxLength: 4 });

  it.each([0, 1])("give errors or the result of the unedited model: committed model %i", (i) => {
    fc.assert(
      fc.property(edits, (list) =>
        attack(
          committed[i],
          list.map(([at]) => at),
          list.map(([, value]) => value),
        ),
      ),
      { numRuns: 15 },
    );
  });

  it("the same for generated networks", () => {
    fc.assert(
      fc.property(netSpec, edits, (spec, list) => {
        using net = buildNet(spec, new Rng(spec.seed)).eval();
        const bytes = pack(net, { inputShape: spec.shape });
        attack(
          bytes,
          list.map(([at]) => at),
          list.map(([, value]) => value),
        );
      }),
      { numRuns: 40 },
    );
  });

  it("every number of every array of a small model, one at a time", () => {
    const count = places(readPacked(linear())).length;
    for (let at = 0; at < count; at++) for (const value of [30, -30, [1], undefined]) attack(linear(), [at], [value]);
  });

  it("a model that readPacked did not make is refused, with the way out", () => {
    const model = readPacked(linear());
    for (const copy of [{ ...model }, structuredClone({ ...model }), { plan: model.plan, data: model.data }]) {
      expect(() => createSession(copy as PackedModel)).toThrow(ArgumentError);
      expect(() => createSession(copy as PackedModel)).toThrow("the bytes of a packed model");
    }
  });

  it("bytes may be written over once they were read", () => {
    const bytes = linear();
    const model = readPacked(bytes);
    bytes.fill(0);
    using session = createSession(model);
    expect([...session.run(IMAGE)]).toEqual(OUTPUT);
  });
});

/** A file of a few hundred bytes whose values are `extent`² pixels. */
function vast(extent: number, ops: readonly ("relu" | "pool")[]): Uint8Array {
  const around = Math.floor((extent - 1) / 2);
  const nodes: PlanNode[] = [
    { op: "pad", id: "pad", input: "input", padding: [around, extent - 1 - around, around, extent - 1 - around] },
  ];
  for (const [i, op] of ops.entries()) {
    const input = nodes[nodes.length - 1].id;
    if (op === "relu") nodes.push({ op, id: `n${i}`, input });
    else {
      const half = Math.floor(extent / 2);
      const kernel = [half, half] as const;
      nodes.push({
        op: "maxPool",
        id: `n${i}`,
        input,
        kernel,
        stride: [1, 1],
        padding: [0, 0, 0, 0],
        dilation: [1, 1],
      });
    }
  }
  return writePacked(
    { input: { shape: [1, 1, 1], dtype: "f32" }, nodes, output: nodes[nodes.length - 1].id },
    new Map(),
  );
}

describe("files that ask for too much", () => {
  it("are refused before memory is taken: by the reader beyond 2 GiB for one layer", () => {
    const nodes: PlanNode[] = [
      { op: "pad", id: "pad", input: "input", padding: [0, 2 ** 14 - 1, 0, 2 ** 14 - 1] },
      { op: "add", id: "add", inputs: ["pad", "pad"] },
    ];
    const plan: Plan = { input: { shape: [1, 1, 1], dtype: "f32" }, nodes, output: "add" };
    expect(() => writePacked(plan, new Map())).toThrow(FormatError);
    expect(() => writePacked(plan, new Map())).toThrow('memory of node "add" for one image is beyond the limit');
  });

  it("and by the session beyond its limits on memory and work", () => {
    const before = memory();
    const wide = vast(8192, ["relu", "relu"]);
    expect(wide.length).toBeLessThan(1000);
    expect(() => createSession(wide, { limits: { memory: 2 ** 28 } })).toThrow(MemoryError);
    expect(() => createSession(wide, { limits: { memory: 2 ** 28 } })).toThrow(
      /memory for 1 images; expected at most 268435456 bytes, got 53687\d+; raise limits.memory/,
    );
    const long = vast(4096, ["pool"]);
    expect(() => createSession(long, { file: "a.cgm" })).toThrow(ArgumentError);
    expect(() => createSession(long, { file: "a.cgm" })).toThrow(
      `a.cgm: work for one image is beyond the limit; expected at most ${2 ** 40} multiply-accumulates, got ${4096 ** 2 + 2049 ** 2 * 2048 ** 2}`,
    );
    expect(memory()).toEqual(before);
    expect(() => createSession(linear(), { limits: { work: 10 } })).toThrow("got 16; raise limits.work");
    using session = createSession(linear(), { limits: { work: 16 } });
    expect([...session.run(IMAGE)]).toEqual(OUTPUT);
  });

  it("work is told by the summary", () => {
    const bytes = linear();
    expect(summarize(bytes).macs).toBe(12);
  });

  it("a batch beyond memory is refused, and nothing stays", () => {
    const before = memory();
    for (const maxBatch of [1e9, 2 ** 31, 2 ** 40, Number.MAX_SAFE_INTEGER]) {
      expect(() => createSession(linear(), { maxBatch, warmUp: 1 })).toThrow(MemoryError);
    }
    expect(memory()).toMatchObject({ arrays: before.arrays, bytes: before.bytes });
    init();
    using session = createSession(linear(), { maxBatch: 1e9 });
    expect([...session.run(IMAGE)]).toEqual(OUTPUT);
  });

  it("a default batch is as large as memory allows", () => {
    const bytes = vast(512, ["relu"]);
    using session = createSession(bytes, { limits: { memory: 5 << 20 } });
    expect(session.run(Float32Array.of(3)).filter((value) => value === 3).length).toBe(1);
    expect(session.bytes).toBeLessThan(5 << 20);
    expect(() => session.run(new Float32Array(6))).toThrow(MemoryError);
    expect(() => session.run(new Float32Array(6))).toThrow("session: outputs");
    expect(session.run(new Float32Array(4), new Float32Array(4 * 512 * 512)).length).toBe(4 * 512 * 512);
    expect(session.bytes).toBeLessThanOrEqual(5 << 20);
  });
});

describe("a session inside itself", () => {
  it.each<[string, (session: ReturnType<typeof createSession>) => unknown]>([
    ["run", (session) => session.run(Uint8Array.of(0, 0, 0, 0))],
    ["predict", (session) => session.predict(IMAGE)],
    ["codes", (session) => session.codes(IMAGE, "fc")],
    ["runTraced", (session) => session.runTraced(IMAGE, () => undefined)],
    ["profile", (session) => session.profile({ runs: 1 })],
    ["dispose", (session) => session.dispose()],
  ])("refuses %s, and its own result stays right", (_name, use) => {
    using session = createSession(linear());
    let refusals = 0;
    const output = session.runTraced(IMAGE, () => {
      expect(() => use(session)).toThrow(ScopeError);
      refusals++;
    });
    expect(refusals).toBe(3);
    expect([...output]).toEqual(OUTPUT);
    expect(() => session.runTraced(IMAGE, () => use(session))).toThrow(ScopeError);
    expect([...session.run(IMAGE)]).toEqual(OUTPUT);
    const trap = {
      width: 2,
      height: 2,
      get data() {
        return use(session) as never;
      },
    };
    expect(() => session.run(trap)).toThrow(ScopeError);
  });

  it("takes another session", () => {
    using session = createSession(linear());
    using other = createSession(linear());
    const output = session.runTraced(IMAGE, () => expect([...other.run(IMAGE)]).toEqual(OUTPUT));
    expect([...output]).toEqual(OUTPUT);
  });

  it("is of no use after dispose, and holds nothing", () => {
    const session = createSession(linear(), { warmUp: 1 });
    session.dispose();
    expect(session.bytes).toBe(0);
    expect(() => session.run(IMAGE)).toThrow(DisposedError);
    expect(() => session.predict(IMAGE)).toThrow(DisposedError);
    expect(() => session.codes(IMAGE, "fc")).toThrow(DisposedError);
    expect(() => session.runTraced(IMAGE, () => undefined)).toThrow(DisposedError);
    expect(() => session.profile()).toThrow(DisposedError);
  });
});
