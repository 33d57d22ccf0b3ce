/** @file A plan made ready to run: one step per node, constants in the heap, and the memory of a batch, laid out once. */
import { MemoryError } from "../core/errors.js";
import { sizeOf } from "../core/shape.js";
import type { NodeData, PackedModel } from "../format/model.js";
import { INPUT_ID, inputsOf, type PlanNode } from "../format/plan.js";
import type { ValueType } from "../format/values.js";
import type { Ptr } from "../kernels/abi.js";
import { aligned, Block, type Layout, layOut } from "./arena.js";
import { Constants } from "./constants.js";
import { floatConvStep } from "./float-conv.js";
import { type Fusion, fusionOf, UNFUSED } from "./fuse.js";
import { concatStep, padStep, sliceStep } from "./moves.js";
import { quantizedStep, residualStep } from "./quantized.js";
import { poolStep, realStep } from "./real.js";
import type { Step } from "./step.js";

/** A step with its addresses for one batch memory. */
interface Bound {
  readonly node: PlanNode;
  readonly step: Step | null;
  readonly inputs: readonly Ptr[];
  readonly output: Ptr;
  readonly scratch: readonly Ptr[];
}

/** Memory for batches of up to `capacity` images. */
interface BatchMemory {
  readonly capacity: number;
  readonly block: Block;
  readonly input: Ptr;
  readonly output: Ptr;
  readonly bound: readonly Bound[];
}

function stepOf(
  node: PlanNode,
  values: ReadonlyMap<string, ValueType>,
  data: NodeData,
  constants: Constants,
): Step | null {
  const inputs = inputsOf(node).map((id) => values.get(id) as ValueType);
  const [input] = inputs;
  const output = values.get(node.id) as ValueType;
  switch (node.op) {
    case "conv":
    case "linear":
      return quantizedStep(node, input, output, data, constants);
    case "floatConv":
      return floatConvStep(node, input, output, data, constants);
    case "maxPool":
    case "avgPool":
      return poolStep(node, input, output, constants);
    case "pad":
    case "padChannels":
      return padStep(node, input, output, constants);
    case "concat":
      return concatStep(node, inputs, output, constants);
    case "slice":
      return sliceStep(node, input, constants);
    default:
      return realStep(node, input, data, constants);
  }
}

/** The step of a node that stands for a whole {@link Fusion}, or of a node by itself. */
function fusedStepOf(node: PlanNode, { values, data }: PackedModel, fusion: Fusion, constants: Constants): Step | null {
  const residual = fusion.residuals.get(node.id);
  if (residual === undefined) return stepOf(node, values, data.get(node.id) ?? {}, constants);
  const given = {
    input: values.get(residual.conv.input) as ValueType,
    shortcut: values.get(residual.shortcut) as ValueType,
    data: data.get(residual.conv.id) as NodeData,
    affine: residual.affine === undefined ? undefined : data.get(residual.affine),
  };
  return residualStep(residual, given, values.get(node.id) as ValueType, constants);
}

/** Bytes of one value for a batch. */
function valueBytes(type: ValueType, batch: number): number {
  return batch * sizeOf(type.shape) * (type.dtype === "u8" ? 1 : 4);
}

/** What {@link Program.run} tells of. */
export interface Listener {
  /** A node's value is there; later steps may overwrite it. */
  done?(node: PlanNode, ptr: Ptr): void;
}

/** Runs the nodes of one model on batches; owns its heap memory. */
export class Program {
  readonly #model: PackedModel;
  readonly #limit: number;
  readonly #constants = new Constants();
  readonly #steps: (Step | null)[];
  /** Index of the value whose memory each value uses: its own, or that of what it flattens. 0 is the input, i + 1 the i-th node. */
  readonly #place: number[];
  readonly #index: Map<string, number>;
  readonly #fusion: Fusion;
  #memory: BatchMemory | null = null;

  /**
   * @param fuse false: every node's value is computed by itself
   * @param limit bytes that constants and batch memory may take
   * @throws MemoryError if one image needs more; nothing is kept then
   */
  constructor(model: PackedModel, fuse = true, limit = 2 ** 31) {
    const { plan, values } = model;
    this.#model = model;
    this.#limit = limit;
    this.#fusion = fuse ? fusionOf(plan, values) : UNFUSED;
    this.#index = new Map([INPUT_ID, ...plan.nodes.map((node) => node.id)].map((id, i) => [id, i]));
    const { inner } = this.#fusion;
    this.#steps = plan.nodes.map((node) =>
      inner.has(node.id) ? null : fusedStepOf(node, model, this.#fusion, this.#constants),
    );
    this.#place = [0];
    for (const [i, node] of plan.nodes.entries()) {
      const moves = this.#steps[i] === null && !inner.has(node.id);
      this.#place.push(moves ? this.#place[this.#indexOf(inputsOf(node)[0])] : i + 1);
    }
    this.admit(1);
    try {
      this.#constants.place();
    } catch (error) {
      this.#constants.dispose();
      throw error;
    }
  }

  /** Bytes of the heap for a batch, constants included; ∞ if one of its values is beyond what kernels count. */
  bytesFor(batch: number): number {
    for (const { shape } of this.#model.values.values()) if (batch * sizeOf(shape) >= 2 ** 31) return Infinity;
    const bytes = this.#constants.bytes + this.#layout(batch).bytes;
    // Workspaces are asked for only once the values fit: kernels count in 32 bits.
    return bytes > this.#limit ? bytes : bytes + Math.max(1, ...this.#workspaces(batch));
  }

  #workspaces(batch: number): number[] {
    return this.#steps.map((step) => (step?.scratch(batch) ?? []).reduce((sum, bytes) => sum + aligned(bytes), 0));
  }

  /** @throws MemoryError if a batch needs more than the limit; nothing has been taken then */
  admit(batch: number): void {
    const bytes = this.bytesFor(batch);
    if (bytes <= this.#limit) return;
    const hint = batch > 1 ? "lower maxBatch, or raise limits.memory" : "raise limits.memory of createSession";
    const expected = `at most ${this.#limit} bytes`;
    throw new MemoryError({ op: "session", what: `memory for ${batch} images`, expected, got: `${bytes}`, hint });
  }

  #indexOf(id: string): number {
    return this.#index.get(id) as number;
  }

  /** Nodes whose values are never written: they are part of a later node's pass. */
  get inner(): ReadonlySet<string> {
    return this.#fusion.inner;
  }

  /** The node whose products a node's step computes: itself, or the convolution of a residual block that it ends. */
  productNode(node: PlanNode): PlanNode {
    return this.#fusion.residuals.get(node.id)?.conv ?? node;
  }

  /** Ids of the values that a node's step reads. */
  #reads(node: PlanNode): readonly string[] {
    if (this.#fusion.inner.has(node.id)) return [];
    const residual = this.#fusion.residuals.get(node.id);
    return residual === undefined ? inputsOf(node) : [residual.conv.input, residual.shortcut];
  }

  #layout(capacity: number): Layout {
    const { plan, values } = this.#model;
    const types = [...values.values()];
    const last = this.#place.map((_, i) => i - 1);
    const use = (id: string, step: number): void => {
      const at = this.#place[this.#indexOf(id)];
      last[at] = Math.max(last[at], step);
    };
    plan.nodes.forEach((node, i) => {
      for (const id of this.#reads(node)) use(id, i);
    });
    use(plan.output, plan.nodes.length);
    const written = this.#place.map((at, i) => at === i && (i === 0 || !this.#fusion.inner.has(plan.nodes[i - 1].id)));
    return layOut(
      types.map((type, i) => ({
        bytes: written[i] ? valueBytes(type, capacity) : 0,
        from: i - 1,
        to: written[i] ? last[i] : i - 2,
      })),
    );
  }

  /** Makes room for `batch` images and binds every step to its addresses; keeps what is large enough. */
  reserve(batch: number): BatchMemory {
    void this.#constants.ptr; // refuses a disposed session before anything is taken
    if (this.#memory !== null && this.#memory.capacity >= batch) return this.#memory;
    this.admit(batch);
    this.#memory?.block.dispose();
    this.#memory = null;
    const { plan } = this.#model;
    const layout = this.#layout(batch);
    const workspaces = this.#steps.map((step) => step?.scratch(batch) ?? []);
    const most = workspaces.map((list) => list.reduce((sum, bytes) => sum + aligned(bytes), 0));
    const block = new Block(layout.bytes + Math.max(1, ...most));
    const address = (id: string): Ptr => block.ptr + layout.offsets[this.#place[this.#indexOf(id)]];
    const bound = plan.nodes.flatMap((node, i): Bound[] => {
      if (this.#fusion.inner.has(node.id)) return [];
      let at = block.ptr + layout.bytes;
      const scratch = workspaces[i].map((bytes) => {
        const ptr = at;
        at += aligned(bytes);
        return ptr;
      });
      return [
        { node, step: this.#steps[i], inputs: this.#reads(node).map(address), output: address(node.id), scratch },
      ];
    });
    this.#memory = { capacity: batch, block, input: address(INPUT_ID), output: address(plan.output), bound };
    return this.#memory;
  }

  /** Heap bytes of constants and batch memory. */
  get bytes(): number {
    return this.#constants.bytes + (this.#memory?.block.bytes ?? 0);
  }

  /**
   * Runs one batch, whose input lies at `reserve(batch).input`. Takes no memory.
   *
   * @returns the address of the output, valid until the next run
   */
  run(batch: number, listener?: Listener): Ptr {
    const { bound, output } = this.reserve(batch);
    for (const { node, step, inputs, output: to, scratch } of bound) {
      step?.run(batch, inputs, to, scratch);
      listener?.done?.(node, to);
    }
    return output;
  }

  dispose(): void {
    this.#memory?.block.dispose();
    this.#memory = null;
    this.#constants.dispose();
  }
}
