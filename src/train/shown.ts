/** @file What metrics want to see of all ranks, in the order of the shards. */
import { kindOf } from "../core/typed-arrays.js";
import type { World } from "../world/world.js";
import type { MetricArray } from "./measures.js";
import type { Shown } from "./task.js";

const KINDS = { Float32Array, Float64Array, Int32Array, Uint8Array } as const;
type Kind = keyof typeof KINDS;
type Values = InstanceType<(typeof KINDS)[Kind]>;

/** Bytes of one array in a message. */
interface Place {
  readonly kind: Kind;
  readonly shape: readonly number[];
  readonly bytes: number;
}

/** The same list on every rank: what each gave, rank after rank. */
export async function gatherShown(world: World, own: readonly Shown[]): Promise<readonly Shown[]> {
  if (world.size === 1) return own;
  const arrays = own.flatMap(({ output, target }) => [output, target]);
  const all = await world.gather(packed(arrays));
  return all.flatMap((bytes) => {
    const read = unpacked(bytes);
    return Array.from({ length: read.length / 2 }, (_, i) => ({ output: read[2 * i], target: read[2 * i + 1] }));
  });
}

/** A length, JSON that says what follows, and the elements. */
function packed(arrays: readonly MetricArray[]): Uint8Array {
  if (arrays.length === 0) return new Uint8Array(0);
  const parts = arrays.map(({ data }) => data as Values);
  const places = arrays.map(
    ({ shape }, i): Place => ({
      kind: kindOf(parts[i]) as Kind,
      shape: [...shape],
      bytes: parts[i].byteLength,
    }),
  );
  const head = new TextEncoder().encode(JSON.stringify(places));
  const bytes = new Uint8Array(4 + head.length + places.reduce((sum, place) => sum + place.bytes, 0));
  new DataView(bytes.buffer).setUint32(0, head.length, true);
  bytes.set(head, 4);
  let at = 4 + head.length;
  for (const part of parts) {
    bytes.set(new Uint8Array(part.buffer, part.byteOffset, part.byteLength), at);
    at += part.byteLength;
  }
  return bytes;
}

function unpacked(bytes: Uint8Array): MetricArray[] {
  if (bytes.length === 0) return [];
  const size = new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);
  const places = JSON.parse(new TextDecoder().decode(bytes.slice(4, 4 + size))) as Place[];
  let at = 4 + size;
  return places.map(({ kind, shape, bytes: length }) => {
    // Copied: elements of a message need not stand where their type wants them.
    const own = bytes.slice(at, at + length);
    at += length;
    return { shape, data: new KINDS[kind](own.buffer) };
  });
}
