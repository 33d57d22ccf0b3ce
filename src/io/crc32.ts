/** @file CRC-32 (IEEE 802.3), the checksum of ZIP and PNG, four bits at a time. */

const NIBBLES = Uint32Array.from({ length: 16 }, (_, i) => {
  let crc = i;
  for (let bit = 0; bit < 4; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
  return crc;
});

/** The checksum of bytes, as an unsigned number. */
export function crc32(bytes: Uint8Array): number {
  let crc = 0xffffffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let half = 0; half < 2; half++) crc = (crc >>> 4) ^ NIBBLES[crc & 15];
  }
  return ~crc >>> 0;
}
