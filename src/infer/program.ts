/**
 * @file A plan made ready to run: one step per node, constants in the heap, and the memory of a batch, laid out once.
 */
import { MemoryError } from "../core/errors.js";
import { sizeOf } from "../core/shape.js";
import type { PackedModel } from "../format/model.js";
import { type CommonKind, inputsOf, type PlanNode } from "../format/nodes/index.js";
import { INPUT_ID } from "../format/plan.js";
import { type ValueType, valueBytes } from "../format/value.js";
import type { Ptr } from "../kernels/abi.js";
import { heap, kernelsFor } from "../kernels/engine.js";
import { aligned, Block, type Layout, layOut } from "./arena.js";
import { Constants } from "./constants.js";
import { type Fusion, fusionOf, UNFUSED } from "./fuse.js";
import { STEPS } from "./nodes/index.js";
import { residualStep } from "./quantized.js";
import { ALIAS, type Made, type Step, type StepMaker, type StepSource } from "./step.js";

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

function sourceOf<Node extends PlanNode>(
  node: Node,
  { values, data }: PackedModel,
  constants: Constants,
): StepSource<Node> {
  const typeOf = (id: string): ValueType => values.get(id) as ValueType;
  const inputs = inputsOf(node).map(typeOf);
  const output = typeOf(node.id);
  return {
    node,
    inputs,
    input: inputs[0],
    output,
    size: sizeOf(output.shape),
    data: data.get(node.id) ?? {},
    kernels: kernelsFor("f32"),
    heap,
    floatConv: STEPS.floatConv,
    constants,
  };
}

/** The step of a node that stands for a whole {@link Fusion}, or of a node by itself. */
function stepOf(node: PlanNode, model: PackedModel, fusion: Fusion, constants: Constants): Made {
  const residual = fusion.residuals.get(node.id);
  if (residual === undefined)
    return (STEPS[node.op as CommonKind] as StepMaker<PlanNode>)(sourceOf(node, model, constants));
  const { conv, shortcut, affine = "" } = residual;
  const type = model.values.get(shortcut) as ValueType;
  return residualStep(sourceOf(conv, model, constants), residual, type, model.data.get(affine));
}

/** Bytes of the largest list of workspaces: steps have theirs in turn. */
function mostOf(workspaces: readonly (readonly number[])[]): number {
  return Math.max(1, ...workspaces.map((list) => list.reduce((sum, bytes) => sum + aligned(bytes), 0)));
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
  /**
   * Index of the value whose memory each value uses: its own, or that of what it flattens. 0 is the input, i + 1 the
   * i-th node.
   */
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
    this.#place = [0];
    this.#steps = plan.nodes.map((node, i) => {
      const made = inner.has(node.id) ? null : stepOf(node, model, this.#fusion, this.#constants);
      this.#place.push(made === ALIAS ? this.#place[this.#indexOf(inputsOf(node)[0])] : i + 1);
      return made === ALIAS ? null : typeof made === "function" ? { scratch: () => [], run: made } : made;
    });
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
    return bytes > this.#limit ? bytes : bytes + mostOf(this.#workspaces(batch));
  }

  /** Bytes of each workspace of each step. */
  #workspaces(batch: number): (readonly number[])[] {
    return this.#steps.map((step) => step?.scratch(batch) ?? []);
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
    const workspaces = this.#workspaces(batch);
    const block = new Block(layout.bytes + mostOf(workspaces));
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
