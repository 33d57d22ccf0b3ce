/** @file What pools over windows of images and of sequences share: their geometry, what it must be, and its words. */
import { check, checkOptions, flag, type OptionRules, type Rule } from "../core/checks.js";
import { Module } from "./module.js";

/** Geometry of a pool, all of it. */
export interface Windows<Extent, Padding> {
  readonly stride: Extent;
  readonly padding: Padding;
  readonly dilation: Extent;
  readonly ceilMode: boolean;
}

/** What the options of a pool must be, if its extents and its padding must be that. */
export function windowRules<Extent, Padding>(extent: Rule, padding: Rule): OptionRules<Windows<Extent, Padding>> {
  return { stride: extent, padding, dilation: extent, ceilMode: flag };
}

/** A pool over windows. */
export abstract class WindowPool<Extent, Padding> extends Module implements Windows<Extent, Padding> {
  /** Extents of a window. */
  readonly kernelSize: Extent;
  /** From one window to the next. */
  readonly stride: Extent;
  /** Places around the input. */
  readonly padding: Padding;
  /** Between the taps of a window. */
  readonly dilation: Extent;
  /** Outputs rounded up, as in PyTorch. */
  readonly ceilMode: boolean;

  /**
   * @param op name of the layer, which errors tell
   * @param rules of all options
   */
  protected constructor(
    op: string,
    kernelSize: Extent,
    options: Partial<Windows<Extent, Padding>>,
    rules: OptionRules<Windows<Extent, Padding>>,
  ) {
    super();
    check(op, "kernel size", kernelSize, rules.stride);
    checkOptions(op, options, rules);
    this.kernelSize = kernelSize;
    this.stride = options.stride ?? kernelSize;
    this.padding = options.padding ?? (0 as Padding);
    this.dilation = options.dilation ?? (1 as Extent);
    this.ceilMode = options.ceilMode ?? false;
  }

  protected get windows(): Windows<Extent, Padding> {
    const { stride, padding, dilation, ceilMode } = this;
    return { stride, padding, dilation, ceilMode };
  }

  protected override describe(): string {
    const { kernelSize, stride, padding, dilation, ceilMode } = this;
    const parts = [`${kernelSize}`.replace(",", "×")];
    if (`${stride}` !== `${kernelSize}`) parts.push(`stride ${stride}`);
    if (`${padding}` !== "0") parts.push(`padding ${padding}`);
    if (`${dilation}` !== "1") parts.push(`dilation ${dilation}`);
    if (ceilMode) parts.push("ceil mode");
    return parts.join(", ");
  }
}
