/** @file Input normalization on the command line: how it is written, and what it is by default. */
import { DATASET_NAMES, type DatasetInfo, datasetInfo } from "../data/registry.js";
import type { NormalizeOptions } from "../nn/normalize.js";
import { quoted, UsageError } from "./failure.js";

/** What the default normalization depends on. */
export type ImageConstants = Pick<DatasetInfo, "shape" | "mean" | "std">;

/** Shape, classes and customary constants of some images. */
export interface ImagesInfo extends ImageConstants {
  readonly classes: number;
  readonly classNames: readonly string[];
}

/** Constants of ImageNet's training images, which many public checkpoints are trained with, those for other data too. */
export const IMAGENET: NormalizeOptions = { mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] };

const NAMED: Readonly<Record<string, NormalizeOptions>> = {
  ...Object.fromEntries(DATASET_NAMES.map((name) => [name, constantsOf(name)])),
  imagenet: IMAGENET,
};

/** What --normalize takes, for help and errors. */
export const NORMALIZE_FORMS = `none, ${Object.keys(NAMED).join(", ")}, or MEAN/STD such as 0.5,0.5,0.5/0.25,0.25,0.25`;

function constantsOf(name: string): NormalizeOptions {
  const { mean, std } = datasetInfo(name);
  return { mean, std };
}

/**
 * Reads a value of --normalize.
 *
 * @returns constants, or null for `none`
 * @throws UsageError for anything else
 */
export function parseNormalize(text: string): NormalizeOptions | null {
  if (text === "none") return null;
  if (Object.hasOwn(NAMED, text)) return NAMED[text];
  const lists = text.split("/").map((part) => part.split(",").map((word) => (word.trim() === "" ? NaN : Number(word))));
  const [mean, std] = lists;
  const good = lists.length === 2 && mean.length === std.length && lists.flat().every(Number.isFinite);
  if (good && std.every((value) => value > 0)) return { mean, std };
  throw new UsageError({
    op: "--normalize",
    what: "unknown normalization",
    expected: NORMALIZE_FORMS,
    got: quoted(text),
  });
}

/** A value of --normalize that was given: commander would make an empty string of null. */
export type NormalizeChoice = NormalizeOptions | "none";

/** {@link parseNormalize} as an option's reader. */
export function normalizeChoice(text: string): NormalizeChoice {
  return parseNormalize(text) ?? "none";
}

/** Constants as --normalize takes them. */
export function normalizeText(constants: NormalizeOptions | null | undefined): string {
  if (constants === null || constants === undefined) return "none";
  const same = ([, { mean, std }]: [string, NormalizeOptions]): boolean =>
    `${mean}/${std}` === `${constants.mean}/${constants.std}`;
  return Object.entries(NAMED).find(same)?.[0] ?? `${constants.mean}/${constants.std}`;
}

/** How a fresh network normalizes a data set's images: colour by the set's customary constants, grey not at all. */
export function defaultNormalize({ shape, mean, std }: ImageConstants): NormalizeOptions | null {
  return shape[2] === 1 ? null : { mean, std };
}
