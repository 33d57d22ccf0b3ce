/** @file Ways of quantizing a network. */

/** Ways of training (or not) a quantized network; `float` quantizes nothing. */
export const METHODS = ["float", "bcgd", "bc", "relax", "ptq", "comq"] as const;
/** How a run is trained or quantized. */
export type Method = (typeof METHODS)[number];

/** Passes over the training images, unless they are chosen. */
export function usualEpochs(trains: boolean): number {
  return trains ? 10 : 0;
}

/** True for the ways that do not train: they quantize weights that were trained before. */
export function isPostTraining(method: Method | undefined): boolean {
  return method === "ptq" || method === "comq";
}
