/** @file Input normalization as a setting: how it is written, and what it is by default. */
import { listOf, real, record } from "../core/checks.js";
import { DATASET_NAMES, datasetInfo } from "../data/registry.js";
import type { NormalizeOptions } from "../nn/normalize.js";
import { IMAGENET, type ImageConstants } from "./images.js";
import type { Kind } from "./kinds.js";
import { quoted, UsageError } from "./usage-error.js";

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
 * Reads a normalization: the name of a data set, `imagenet`, or constants.
 *
 * @returns constants, or null for `none`
 * @throws UsageError for anything else
 */
export function parseNormalize(text: string, option = "--normalize"): NormalizeOptions | null {
  if (text === "none") return null;
  if (Object.hasOwn(NAMED, text)) return NAMED[text];
  const lists = text.split("/").map((part) => part.split(",").map((word) => (word.trim() === "" ? NaN : Number(word))));
  const [mean, std] = lists;
  const good = lists.length === 2 && mean.length === std.length && lists.flat().every(Number.isFinite);
  if (good && std.every((value) => value > 0)) return { mean, std };
  throw new UsageError({
    op: option,
    what: "unknown normalization",
    expected: NORMALIZE_FORMS,
    got: quoted(text),
  });
}

/** Constants as {@link parseNormalize} takes them. */
export function normalizeText(constants: NormalizeOptions | null | undefined): string {
  if (constants === null || constants === undefined) return "none";
  const same = ([, { mean, std }]: [string, NormalizeOptions]): boolean =>
    `${mean}/${std}` === `${constants.mean}/${constants.std}`;
  return Object.entries(NAMED).find(same)?.[0] ?? `${constants.mean}/${constants.std}`;
}

/** Normalization as a setting; null for none. */
export const normalization: Kind<NormalizeOptions | null> = {
  read: parseNormalize,
  rule(value) {
    if (value === null) return null;
    if (record(value) !== null) return "an object, or null";
    const { mean, std, ...others } = value as NormalizeOptions;
    const lists = listOf(real)(mean) === null && listOf(real)(std) === null && mean.length === std.length;
    const good = lists && mean.length > 0 && std.every((one) => one > 0);
    return good && Object.keys(others).length === 0 ? null : "mean and std, lists of as many numbers, std above 0";
  },
  write: normalizeText,
};

/** How a fresh network normalizes a data set's images: colour by the set's customary constants, grey not at all. */
export function defaultNormalize({ shape, mean, std }: ImageConstants): NormalizeOptions | null {
  return shape[2] === 1 ? null : { mean, std };
}

/**
 * Refuses constants for images of other channels.
 *
 * @param op who has them: an option, or the file of weights that they belong to
 * @param images what they are to be used on, in words
 * @throws UsageError
 */
export function checkChannels(
  op: string,
  constants: NormalizeOptions | null | undefined,
  channels: number,
  images: string,
): void {
  const count = constants?.mean.length ?? 1;
  // One for all of them is a normalization as well.
  if (count === 1 || count === channels) return;
  throw new UsageError({
    op,
    what: "normalizes images of other channels",
    expected: channels === 1 ? `one constant, for ${images}` : `1 or ${channels} constants, for ${images}`,
    got: `${count} (${normalizeText(constants)})`,
  });
}
