/**
 * @file How fast the machine is at this moment: a loop of register-only SIMD arithmetic that no change to the library
 * changes.
 *
 * Seven chains of f32x4 multiplications beside seven of additions, which share no registers, keep every floating-point
 * pipe busy and touch no memory. A neighbour on the same core, a lower clock or a pre-empted process shows in it as it
 * shows in a kernel.
 */

import { get, leb, moduleOf, op, set, simd } from "./assemble.js";

const CHAINS = 7;
const OPS_PER_TURN = 2 * CHAINS * 4;
const TURNS = 20_000;
const CALLS = 50;

/**
 * The module `(func (export "f") (param $turns i32) (result f32))`: runs the chains, returns a lane of their sum so
 * that none is dead code.
 */
function moduleBytes(): Uint8Array<ArrayBuffer> {
  const [EXTRACT, ADD, MUL] = [0x1f, 0xe4, 0xe6];
  const locals = Array.from({ length: 2 * CHAINS }, (_, i) => i + 1);
  const turn = locals.flatMap((local, i) => [
    ...get(local),
    ...get(local),
    ...simd(i < CHAINS ? MUL : ADD),
    ...set(local),
  ]);
  const body = [
    ...[1, ...leb(locals.length), op.v128],
    ...[op.loop, op.empty],
    ...turn,
    ...[...get(0), op.i32Const, 1, op.i32Sub, ...op.tee(0)],
    ...[op.brIf, 0, op.end],
    ...get(1),
    ...locals.slice(1).flatMap((local) => [...get(local), ...simd(ADD)]),
    ...[...simd(EXTRACT), 0, op.end],
  ];
  return moduleOf({ params: [op.i32], results: [op.f32], body });
}

let loop: ((turns: number) => number) | null = null;

/**
 * The machine's speed now.
 *
 * @returns GFLOP/s of the register-only loop, median of {@link CALLS} calls: about two milliseconds in all
 */
export function calibrate(): number {
  if (loop === null) {
    const instance = new WebAssembly.Instance(new WebAssembly.Module(moduleBytes()));
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
