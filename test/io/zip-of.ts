/** @file ZIP archives, as PyTorch's writer makes them: ZIP64's records before the end; members stored or deflated. */
import { deflateRawSync } from "node:zlib";
import { crc32 } from "../../src/io/checksum.js";

/** Numbers of some bytes, little-endian. */
const n = (value: number, size: number): number[] =>
  Array.from({ length: size }, (_, i) => Math.floor(value / 2 ** (8 * i)) % 256);

/**
 * An archive of the members in their order.
 *
 * @param zip64 whether ZIP64's end record and locator are written too
 * @param deflated whether members are compressed
 */
export function zipOf(
  members: readonly (readonly [name: string, data: Uint8Array])[],
  zip64 = false,
  deflated = false,
): Uint8Array {
  const parts: Uint8Array[] = [];
  const directory: number[] = [];
  let at = 0;
  const put = (bytes: Uint8Array | number[]): void => {
    parts.push(Uint8Array.from(bytes));
    at += bytes.length;
  };
  for (const [name, data] of members) {
    const text = [...new TextEncoder().encode(name)];
    const packed = deflated ? deflateRawSync(data) : data;
    const fields = [
      ...n(0x0800, 2),
      ...n(deflated ? 8 : 0, 2),
      ...n(0, 4),
      ...n(crc32(data), 4),
      ...n(packed.length, 4),
      ...n(data.length, 4),
    ];
    directory.push(
      ...n(0x02014b50, 4),
      ...n(0, 2),
      ...n(0, 2),
      ...fields,
      ...n(text.length, 2),
      ...n(0, 12),
      ...n(at, 4),
      ...text,
    );
    put([...n(0x04034b50, 4), ...n(0, 2), ...fields, ...n(text.length, 2), ...n(0, 2), ...text]);
    parts.push(packed);
    at += packed.length;
  }
  const start = at;
  put(directory);
  if (zip64) {
    const counts = [...n(members.length, 8), ...n(members.length, 8), ...n(directory.length, 8), ...n(start, 8)];
    const record = at;
    put([...n(0x06064b50, 4), ...n(44, 8), ...n(0x1e, 2), ...n(45, 2), ...n(0, 8), ...counts]);
    put([...n(0x07064b50, 4), ...n(0, 4), ...n(record, 8), ...n(1, 4)]);
  }
  put([
    ...n(0x06054b50, 4),
    ...n(0, 4),
    ...n(zip64 ? Math.min(0xffff, members.length) : members.length, 2),
    ...n(zip64 ? Math.min(0xffff, members.length) : members.length, 2),
    ...n(directory.length, 4),
    ...n(start, 4),
    0,
    0,
  ]);
  const out = new Uint8Array(at);
  let to = 0;
  for (const part of parts) {
    out.set(part, to);
    to += part.length;
  }
  return out;
}
