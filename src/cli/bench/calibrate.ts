/**
 * @file How fast the machine is at this moment: a loop of register-only SIMD arithmetic that no change to the library changes.
 *
 * Seven chains of f32x4 multiplications beside seven of additions, which share no registers, keep every floating-point pipe busy and touch no
 * memory. A neighbour on the same core, a lower clock or a pre-empted process shows in it as it shows in a kernel.
 */

const CHAINS = 7;
const OPS_PER_TURN = 2 * CHAINS * 4;
const TURNS = 20_000;
const CALLS = 50;

/** Numbers below 128 are one byte in WebAssembly's variable-length form; no section here is longer than 127 bytes of it. */
function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}

/** The module `(func (export "f") (param $turns i32) (result f32))`: runs the chains, returns a lane of their sum so that none is dead code. */
function moduleBytes(): Uint8Array {
  const I32 = 0x7f;
  const F32 = 0x7d;
  const V128 = 0x7b;
  const get = (local: number): number[] => [0x20, local];
  const set = (local: number): number[] => [0x21, local];
  const simd = (op: number): number[] => [0xfd, ...leb(op)];
  const [EXTRACT, ADD, MUL] = [0x1f, 0xe4, 0xe6];
  const locals = Array.from({ length: 2 * CHAINS }, (_, i) => i + 1);
  const turn = locals.flatMap((local, i) => [
    ...get(local),
    ...get(local),
    ...simd(i < CHAINS ? MUL : ADD),
    ...set(local),
  ]);
  const body = [
    ...[1, locals.length, V128],
    ...[0x03, 0x40], // loop
    ...turn,
    ...[...get(0), 0x41, 1, 0x6b, 0x22, 0], // turns -= 1
    ...[0x0d, 0, 0x0b], // br_if 0, end
    ...get(1),
    ...locals.slice(1).flatMap((local) => [...get(local), ...simd(ADD)]),
    ...[...simd(EXTRACT), 0, 0x0b],
  ];
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, 1, I32, 1, F32]),
    ...section(3, [1, 0]),
    ...section(7, [1, 1, "f".charCodeAt(0), 0, 0]),
    ...section(10, [1, ...leb(body.length), ...body]),
  ]);
}

let loop: ((turns: number) => number) | null = null;

/**
 * The machine's speed now.
 *
 * @returns GFLOP/s of the register-only loop, median of {@link CALLS} calls: about two milliseconds in all
 */
export function calibrate(): number {
  if (loop === null) {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes() as BufferSource));
    loop = instance.exports["f"] as (turns: number) => number;
    // The first calls run in the engine's baseline code.
    for (let call = 0; call < CALLS; call++) loop(TURNS);
  }
  const times = Array.from({ length: CALLS }, () => {
    const start = performance.now();
    loop!(TURNS);
    return performance.now() - start;
  }).sort((a, b) => a - b);
  return (TURNS * OPS_PER_TURN) / times[CALLS >> 1] / 1e6;
}
