/** @file What an op is: one object with its name, shape rule, forward and backward, pure over NDArrays. */
import type { DType } from "../core/dtype.js";
import type { Shape } from "../core/shape.js";
import type { NDArray } from "../ndarray/ndarray.js";

/** Which inputs want a gradient. If none does, forward saves nothing. */
export type Needs = readonly boolean[];

/** What forward hands back. */
export interface OpResult<Saved> {
  /** The output; may alias an input (reshape does). */
  y: NDArray;
  /** What backward will need: arrays and plain values, typed. Dropped at once when no input wants a gradient. */
  saved: Saved;
}

/** What backward may ask about an input without keeping its data alive. */
export interface InputInfo {
  /** Extents, outermost first. */
  readonly shape: Shape;
  /** Element type. */
  readonly dtype: DType;
}

/**
 * One op. Forward and backward see arrays only: they record nothing, and every array that they make and do not return
 * or save is freed for them (each call runs in a scope of its own).
 *
 * Done centrally, so that no op repeats it: dequantizing coded inputs (unless `coded`), reducing a gradient that has
 * the broadcast shape to the input's shape, accumulation, freeing saved arrays, checking the number and shapes of
 * gradients.
 */
export interface OpDef<Attrs = undefined, Saved = unknown> {
  /** snake_case-free name as users call it; error messages start with it. */
  readonly name: string;
  /** True if backward is not the derivative of forward on purpose: tested by formula, never by finite differences. */
  readonly coarse?: boolean;
  /** True if forward takes coded arrays (u8 with a step) as they are; else it sees their real values. */
  readonly coded?: boolean;
  /** Validates the inputs and gives the output's shape. @throws ShapeError, DTypeError, ArgumentError */
  shape(inputs: readonly NDArray[], attrs: Attrs): Shape;
  /** Computes the result, and what the backward pass will need. */
  forward(
    inputs: readonly NDArray[],
    attrs: Attrs,
    context: { readonly shape: Shape; readonly needs: Needs },
  ): OpResult<Saved>;
  /**
   * Gradients for each input, null where `needs` is false; or null as a whole for an op without a gradient (argmax,
   * comparisons).
   */
  readonly backward:
    | ((
        dy: NDArray,
        saved: Saved,
        attrs: Attrs,
        context: { readonly inputs: readonly InputInfo[]; readonly needs: Needs },
      ) => (NDArray | null)[])
    | null;
}

/** An op of any attributes; what graphs hold. */
// biome-ignore lint/suspicious/noExplicitAny: attributes and saved state are checked where the op is defined
export type AnyOp = OpDef<any, any>;
