/** @file Names of networks and configurations: SHA-256 of exactly what they hold. */

import { check, describe, instanceOf, integer, listOf, type Rule } from "../core/checks.js";
import { ArgumentError } from "../core/errors.js";
import { Sha256, sha256Hex } from "../core/sha256.js";
import { kindOf } from "../core/typed-arrays.js";
import type { SafeTensor } from "../io/safetensors.js";
import { Module } from "../nn/module.js";
import { stateEntries } from "../nn/state.js";

/**
 * SHA-256 of all parameters and buffers: the name of a training result. For each entry of the state dict in the order
 * of its keys (by code unit): the key, a zero byte, dtype and shape as text (`f32[64,32,5,5]`), a zero byte, and the
 * little-endian bytes of the elements.
 *
 * @returns 64 hexadecimal digits
 * @throws ArgumentError for what is no network; DisposedError
 */
export function weightsDigest(net: Module): string {
  check("weightsDigest", "net", net, instanceOf(Module, "a Module"));
  const state = [...net.stateDict()];
  return digestOf(state.map(([key, array]) => [key, array.dtype, array.shape, () => array.bytes()]));
}

const isTensor: Rule = (value) => {
  const { dtype, shape, data } = (value ?? {}) as Partial<SafeTensor>;
  const good = typeof dtype === "string" && listOf(integer(0))(shape) === null && kindOf(data) !== null;
  return good ? null : "a tensor { dtype, shape, data }";
};

/** {@link weightsDigest} of the state that a checkpoint holds, without a network. */
export function stateDigest(state: ReadonlyMap<string, SafeTensor>): string {
  const entries = stateEntries("stateDigest", "state", state) as Map<string, SafeTensor>;
  for (const [key, entry] of entries) check("stateDigest", `state.${describe(key)}`, entry, isTensor);
  return digestOf(
    [...entries].map(([key, { dtype, shape, data }]) => {
      const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
      return [key, dtype.toLowerCase(), shape, () => bytes];
    }),
  );
}

type DigestEntry = readonly [key: string, dtype: string, shape: readonly number[], bytes: () => Uint8Array];

function digestOf(entries: DigestEntry[]): string {
  const hash = new Sha256();
  const text = new TextEncoder();
  for (const [key, dtype, shape, bytes] of entries.sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0))) {
    hash.update(text.encode(`${key}\0${dtype}[${shape.join(",")}]\0`));
    hash.update(bytes());
  }
  return hash.hex();
}

/**
 * JSON with the keys of every object in order, so that equal configurations give equal text.
 *
 * @throws ArgumentError for what JSON cannot hold: functions, symbols, big integers, circles, nesting without end
 */
export function canonicalJson(value: unknown): string {
  const refused = (got: string): ArgumentError =>
    new ArgumentError({ op: "canonicalJson", what: "not plain JSON", expected: "what JSON.stringify takes", got });
  let text: string | undefined;
  try {
    text = JSON.stringify(value, (_, item: unknown) =>
      typeof item === "object" && item !== null && !Array.isArray(item)
        ? Object.fromEntries(Object.entries(item).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
        : item,
    );
  } catch (cause) {
    throw refused(`${describe(value)}: ${(cause as Error)?.message?.split("\n")[0] ?? "refused"}`);
  }
  if (text === undefined) throw refused(describe(value));
  return text;
}

/**
 * SHA-256 of a configuration's canonical JSON; undefined counts as null.
 * @returns 64 hexadecimal digits
 * @throws ArgumentError as {@link canonicalJson}
 */
export function configHash(config: unknown): string {
  return sha256Hex(new TextEncoder().encode(canonicalJson(config ?? null)));
}
