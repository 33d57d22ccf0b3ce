/** @file Profiles of a session: where the time of a run goes, layer by layer. */
import { macsOf, type PackedModel } from "../format/model.js";
import type { PlanNode } from "../format/nodes/index.js";
import type { Program } from "./program.js";

/** One layer's share of a run. */
export interface LayerProfile {
  /** The node's id in the plan. */
  readonly id: string;
  /** Kind of node. */
  readonly op: PlanNode["op"];
  /** Median time of one run, for the whole batch. */
  readonly ms: number;
  /** Multiply-accumulates for the whole batch. */
  readonly macs: number;
  /** 2·macs over the time, in 10⁹ per second; 0 for layers without products. */
  readonly gops: number;
}

/** What {@link Session.profile} gives. */
export interface Profile {
  /** Images in a run. */
  readonly batch: number;
  /** Runs that were timed. */
  readonly runs: number;
  /** Median time of a whole run, copying of input and output not counted. */
  readonly ms: number;
  /** Shares of the layers, in the order in which they run. */
  readonly layers: readonly LayerProfile[];
}

function median(values: number[]): number {
  values.sort((a, b) => a - b);
  return values[values.length >> 1];
}

/** What {@link profileProgram} runs. */
interface Profiled {
  readonly program: Program;
  readonly batch: number;
  readonly runs: number;
  /** Writes the input: a run may use its memory again. */
  fill(): void;
}

/** Runs a program twice `runs` times, and times every step of the second half. */
export function profileProgram({ plan, values }: PackedModel, { program, batch, runs, fill }: Profiled): Profile {
  const nodes = plan.nodes.filter(({ id }) => !program.inner.has(id));
  const times = nodes.map((): number[] => []);
  const wholes: number[] = [];
  for (let run = -runs; run < runs; run++) {
    let i = 0;
    fill();
    const start = performance.now();
    let before = start;
    program.run(batch, {
      done() {
        const now = performance.now();
        if (run >= 0) times[i++].push(now - before);
        before = now;
      },
    });
    if (run >= 0) wholes.push(before - start);
  }
  const layers = nodes.map((node, i) => {
    const ms = median(times[i]);
    // The end of a residual block computes its convolution.
    const macs = batch * macsOf(program.productNode(node), values);
    return { id: node.id, op: node.op, ms, macs, gops: macs === 0 || ms === 0 ? 0 : (2 * macs) / ms / 1e6 };
  });
  return { batch, runs, ms: median(wholes), layers };
}
