/**
 * @file Kernels for engines without relaxed SIMD, with room for it: a module's relaxed instructions become others of as
 * many bytes, which `relaxIntegers` in src/kernels/wasm.ts turns back where the engine has them. An opcode behind the
 * prefix fd is a LEB128 number, which may be written longer than it is: fd 8e 00 is fd 0e, and no compiler writes it so.
 */

/** Relaxed instructions and what stands for each. */
const INSTRUCTIONS = [
  // The same for indices below 16, which are all that kernels look up.
  { name: "i8x16.relaxed_swizzle", relaxed: [0x80, 0x02], plain: [0x8e, 0x00] }, // i8x16.swizzle
  // Never reached: kernels try the instruction first and see that it is none.
  { name: "i16x8.relaxed_dot_i8x16_i7x16_s", relaxed: [0x92, 0x02], plain: [0xce, 0x00] }, // v128.and
];

/** Places of `fd a b` in a module. */
function places(bytes, [a, b]) {
  const found = [];
  for (let i = bytes.indexOf(0xfd); i >= 0; i = bytes.indexOf(0xfd, i + 1)) {
    if (bytes[i + 1] === a && bytes[i + 2] === b) found.push(i);
  }
  return found;
}

/**
 * A module without relaxed instructions.
 *
 * @param {Uint8Array} bytes of a module
 * @param {string} listing the same module as text: says how often an instruction is there
 * @returns {Uint8Array} a new array
 * @throws Error if bytes look like an instruction and are none, or if another relaxed instruction is left
 */
export function withoutRelaxed(bytes, listing) {
  const out = Uint8Array.from(bytes);
  const names = listing.match(/\b\w+\.relaxed_\w+/g) ?? [];
  for (const { name, relaxed, plain } of INSTRUCTIONS) {
    const found = places(bytes, relaxed);
    const count = names.filter((each) => each === name).length;
    if (found.length !== count) throw new Error(`plain-simd: ${found.length} places look like ${count} ${name}`);
    if (places(bytes, plain).length > 0) throw new Error(`plain-simd: what stands for ${name} is there already`);
    for (const at of found) out.set(plain, at + 1);
  }
  const other = names.filter((each) => !INSTRUCTIONS.some(({ name }) => name === each));
  if (other.length > 0) throw new Error(`plain-simd: nothing stands for ${other[0]}`);
  return out;
}
