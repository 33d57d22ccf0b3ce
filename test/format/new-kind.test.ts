/**
 * @file A kind of node that the packed format does not have, added as one is, and as a rare one is: from an op of
 * training through file, runtime and ONNX. Each part is what a file of its own would hold in format/nodes, infer/nodes
 * and onnx/nodes, and a rule among those of export.
 */
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { defineOp } from "../../src/autograd/define.js";
import type { Tensor } from "../../src/autograd/tensor.js";
import { ArgumentError, FormatError } from "../../src/core/errors.js";
import { Rng } from "../../src/core/rng.js";
import { pack, summarize, verify } from "../../src/export/index.js";
import { RULES } from "../../src/export/lower.js";
import { lowers, type Rule } from "../../src/export/lowering.js";
import { type Fields, oneOf } from "../../src/format/fields.js";
import { readPacked } from "../../src/format/index.js";
import { NODES, type PlanNode } from "../../src/format/nodes/index.js";
import { type Kind, sameReal } from "../../src/format/nodes/kind.js";
import { RARE_NODES } from "../../src/format/nodes/rare/index.js";
import { createSession, openSession } from "../../src/infer/index.js";
import { STEPS } from "../../src/infer/nodes/index.js";
import { RARE_STEPS } from "../../src/infer/nodes/rare/index.js";
import type { StepMaker } from "../../src/infer/step.js";
import { readSafetensors, writeSafetensors } from "../../src/io/safetensors.js";
import { scaleShift } from "../../src/ndarray/elementwise.js";
import { Linear, Module, Sequential } from "../../src/nn/index.js";
import { decodeModel } from "../../src/onnx/codec.js";
import type { NodeEmitter } from "../../src/onnx/emitter.js";
import { exportPackedOnnx } from "../../src/onnx/index.js";
import { EMITTERS } from "../../src/onnx/nodes/index.js";
import type { AnyOp, OpDef } from "../../src/ops/op.js";
import { pixels } from "../export/nets.js";

/** −x or 2x, an op of training. */
const FACTORS = { neg: -1, twice: 2 };
const fold: OpDef<{ fn: keyof typeof FACTORS }, null> = {
  name: "relu", // a name that another op has: rules are found by the op itself
  shape: ([x]) => x.shape,
  forward: ([x], { fn }) => ({ y: scaleShift(x, FACTORS[fn]), saved: null }),
  backward: null,
};
const folded = defineOp(fold);

/** format/nodes/fold.ts */
interface PlanFold {
  readonly op: "fold";
  readonly id: string;
  readonly input: string;
  readonly fn: keyof typeof FACTORS;
}
const kind: Kind<PlanFold> = { fields: { fn: oneOf("neg", "twice") }, value: sameReal };

/** infer/nodes/fold.ts */
const step: StepMaker<PlanFold> =
  ({ node, size, kernels }) =>
  (batch, [x], y) =>
    kernels.f32_scale_shift(x, y, batch * size, FACTORS[node.fn], 0);

/** onnx/nodes/fold.ts */
const emit: NodeEmitter<PlanFold> = ({ node, emitter, x }) => [
  node.fn === "neg"
    ? emitter.builder.node("Neg", [x.name], node.id)
    : emitter.builder.node("Add", [x.name, x.name], node.id),
  x.order,
];

/** A rule of export/lower-float.ts. */
const rule = lowers(fold, (result, [x], lowering, { fn }) => {
  const node: PlanFold = { op: "fold", id: lowering.names.number("fold"), input: lowering.realId(x), fn };
  lowering.emit(result, node as unknown as PlanNode);
});

class Net extends Module {
  readonly fc: Linear;
  constructor() {
    super();
    this.fc = new Linear(6, 4, { rng: new Rng(1) });
    this.nameParameters();
  }
  override forward(x: Tensor): Tensor {
    return folded([this.fc.forward(x)], { fn: "neg" });
  }
}

const [common, rare] = [
  [NODES, STEPS],
  [RARE_NODES, RARE_STEPS],
] as const;
const rules = RULES as Map<AnyOp, Rule<never>>;

const options = { inputShape: [6] };
let bytes: Uint8Array;

describe.each([
  ["common", common],
  ["rare", rare],
] as const)("a %s kind", (_, [nodes, steps]) => {
  beforeAll(() => {
    using net = new Net();
    expect(() => pack(net, options)).toThrow("relu (no layer, input [2,4]): this op has no counterpart");
    Object.assign(nodes, { fold: kind });
    Object.assign(steps, { fold: step });
    Object.assign(EMITTERS, { fold: emit });
    rules.set(...rule);
    bytes = pack(net, options);
  });
  afterAll(() => {
    for (const table of [...common, ...rare, EMITTERS]) Reflect.deleteProperty(table, "fold");
    rules.delete(fold);
  });

  it("is packed, read, counted, run and compared", async () => {
    const { plan } = readPacked(bytes);
    expect(plan.nodes.at(-1)).toEqual({ op: "fold", id: "fold1", input: "fc", fn: "neg" });
    expect(summarize(bytes).layers.map(({ op, weightBits, macs }) => [op, weightBits, macs])).toEqual([
      ["dequantize", null, 0],
      ["floatLinear", 32, 24],
      ["fold", null, 0],
    ]);
    using net = new Net();
    const found = await verify(net, bytes, { images: pixels(new Rng(2), 5, [6]) });
    expect(found.layers.map(({ name, equal }) => [name, equal])).toEqual([
      ["fc", 20],
      ["fold1", 20],
    ]);
  });

  it("is exported as its ONNX operator", () => {
    const { graph } = decodeModel(exportPackedOnnx(bytes), "x.onnx");
    expect(graph?.node?.map(({ opType }) => opType)).toContain("Neg");
  });

  it("has its fields checked", () => {
    const wrong = bytes.slice();
    const at = Buffer.from(wrong).indexOf('neg\\"');
    wrong.set(Buffer.from("nag"), at);
    expect(() => readPacked(wrong, "x.cgm")).toThrow(/damaged|"neg" or "twice"/);
  });

  it("is unknown to those who do not have it", () => {
    for (const table of common) Reflect.deleteProperty(table, "fold");
    expect(() => readPacked(bytes)).toThrow("plan.nodes[2].op is unknown");
    expect(() => createSession(bytes)).toThrow(FormatError);
  });
});

it("is loaded when a model holds it, and only then told of", async () => {
  Object.assign(RARE_NODES, { fold: kind });
  Object.assign(RARE_STEPS, { fold: step });
  rules.set(...rule);
  try {
    using net = new Net();
    const bytes = pack(net, options);
    for (const table of common) Reflect.deleteProperty(table, "fold");
    expect(() => createSession(bytes)).toThrow("await loadKinds() adds more");
    using session = await openSession(bytes);
    expect(session.run(new Uint8Array(6))).toHaveLength(4);
    expect(readPacked(bytes).plan.nodes.at(-1)?.op).toBe("fold");
  } finally {
    for (const table of [...common, ...rare]) Reflect.deleteProperty(table, "fold");
    rules.delete(fold);
  }
});

it("of nobody's is refused by openSession as by createSession", async () => {
  using net = new Linear(2, 2);
  const bytes = pack(new Sequential(net), { inputShape: [2] });
  const { tensors, metadata } = readSafetensors(bytes);
  const plan = (metadata["plan"] as string).replace('"floatLinear"', '"doubleLinear"');
  const strange = writeSafetensors(
    [...tensors].map(([name, { shape, data }]) => ({ name, shape, data })),
    { format: "coarsegrad-packed", version: "1", plan },
  );
  await expect(openSession(strange)).rejects.toThrow("plan.nodes[1].op is unknown");
  await expect(openSession(strange)).rejects.toThrow(FormatError);
  expect(() => createSession(strange)).toThrow("plan.nodes[1].op is unknown");
  await expect(openSession(3 as never)).rejects.toThrow(ArgumentError);
});

it("does not compile while it is forgotten in one of the tables, or one of its fields is", () => {
  const { relu: _step, ...steps } = STEPS;
  const { relu: _emitter, ...emitters } = EMITTERS;
  // @ts-expect-error a kind without a step
  const someSteps: typeof STEPS = steps;
  // @ts-expect-error a rare kind without a step
  const rareSteps: typeof RARE_STEPS = {};
  // @ts-expect-error a kind without operators
  const someEmitters: typeof EMITTERS = emitters;
  // @ts-expect-error a field without a check
  const fields: Fields<PlanFold, "op" | "id" | "input"> = {};
  expect([someSteps, rareSteps, someEmitters, fields].map((table) => "relu" in table)).toEqual([
    false,
    false,
    false,
    false,
  ]);
});
