/** @file A plan made ready to run: one step per node, constants in the heap, and the memory of a batch, laid out once. */
import { sizeOf } from "../core/shape.js";
import type { NodeData, PackedModel } from "../format/model.js";
import { INPUT_ID, inputsOf, type PlanNode } from "../format/plan.js";
import type { ValueType } from "../format/values.js";
import type { Ptr } from "../kernels/abi.js";
import { aligned, Block, type Layout, layOut } from "./arena.js";
import { Constants } from "./constants.js";
import { floatConvStep } from "./float-conv.js";
import { concatStep, padStep, sliceStep } from "./moves.js";
import { quantizedStep } from "./quantized.js";
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
  readonly #constants = new Constants();
  readonly #steps: (Step | null)[];
  /** Index of the value whose memory each value uses: its own, or that of what it flattens. 0 is the input, i + 1 the i-th node. */
  readonly #place: number[];
  readonly #index: Map<string, number>;
  #memory: BatchMemory | null = null;

  constructor(model: PackedModel) {
    const { plan, values, data } = model;
    this.#model = model;
    this.#index = new Map([INPUT_ID, ...plan.nodes.map((node) => node.id)].map((id, i) => [id, i]));
    this.#steps = plan.nodes.map((node) => stepOf(node, values, data.get(node.id) ?? {}, this.#constants));
    this.#place = [0];
    for (const [i, node] of plan.nodes.entries()) {
      this.#place.push(this.#steps[i] === null ? this.#place[this.#indexOf(inputsOf(node)[0])] : i + 1);
    }
    this.#constants.place();
  }

  #indexOf(id: string): number {
    return this.#index.get(id) as number;
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
      for (const id of inputsOf(node)) use(id, i);
    });
    use(plan.output, plan.nodes.length);
    return layOut(
      types.map((type, i) => ({
        bytes: this.#place[i] === i ? valueBytes(type, capacity) : 0,
        from: i - 1,
        to: this.#place[i] === i ? last[i] : i - 2,
      })),
    );
  }

  /** Makes room for `batch` images and binds every step to its addresses; keeps what is large enough. */
  reserve(batch: number): BatchMemory {
    void this.#constants.ptr; // refuses a disposed session before anything is taken
    if (this.#memory !== null && this.#memory.capacity >= batch) return this.#memory;
    this.#memory?.block.dispose();
    this.#memory = null;
    const { plan } = this.#model;
    const layout = this.#layout(batch);
    const workspaces = this.#steps.map((step) => step?.scratch(batch) ?? []);
    const most = workspaces.map((list) => list.reduce((sum, bytes) => sum + aligned(bytes), 0));
    const block = new Block(layout.bytes + Math.max(1, ...most));
    const address = (id: string): Ptr => block.ptr + layout.offsets[this.#place[this.#indexOf(id)]];
    const bound = plan.nodes.map((node, i): Bound => {
      let at = block.ptr + layout.bytes;
      const scratch = workspaces[i].map((bytes) => {
        const ptr = at;
        at += aligned(bytes);
        return ptr;
      });
      return { node, step: this.#steps[i], inputs: inputsOf(node).map(address), output: address(node.id), scratch };
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
