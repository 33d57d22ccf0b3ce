/** @file Layers in words, as printing a network tells them. */
import type { SequencePadding } from "../ndarray/sequence.js";
import type { Padding, Pair } from "../ndarray/window.js";

/** What a convolution is made with. */
export interface ConvGeometry {
  /** Channels of the input. */
  readonly inChannels: number;
  /** Channels of the output. */
  readonly outChannels: number;
  /** Length of the kernel, or its height and width. */
  readonly kernelSize: number | readonly [number, number];
  /** Steps of the kernel. */
  readonly stride: Pair;
  /** Zeros around. */
  readonly padding: Padding | SequencePadding;
  /** Rows and columns that a transposed convolution adds. */
  readonly outputPadding?: Pair;
  /** Distance of the kernel's numbers. */
  readonly dilation: Pair;
  /** Groups of channels that do not see each other. */
  readonly groups: number;
}

/** A convolution in words, without what is as it is by default: "4 → 6, 3×3, stride 2". */
export function geometryText(layer: ConvGeometry): string {
  const { kernelSize, stride, padding, outputPadding = 0, dilation, groups } = layer;
  const parts = [`${layer.inChannels} → ${layer.outChannels}`, [kernelSize].flat().join("×")];
  if (`${stride}` !== "1") parts.push(`stride ${stride}`);
  if (`${padding}` !== "0") parts.push(`padding ${padding}`);
  if (`${outputPadding}` !== "0") parts.push(`output padding ${outputPadding}`);
  if (`${dilation}` !== "1") parts.push(`dilation ${dilation}`);
  if (groups !== 1) parts.push(`groups ${groups}`);
  return parts.join(", ");
}

/** What a description of a layer says of its bias: nothing if there is one. */
export const biasText = ({ bias }: { readonly bias: unknown }): string => (bias === null ? ", no bias" : "");
