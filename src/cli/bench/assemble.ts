/**
 * @file A WebAssembly module of one function, from its instructions: for yardsticks that no change to the library
 * changes.
 */

/** Bytes of WebAssembly's binary form. */
export const op = {
  i32: 0x7f,
  f32: 0x7d,
  v128: 0x7b,
  empty: 0x40,
  loop: 0x03,
  brIf: 0x0d,
  end: 0x0b,
  i32Const: 0x41,
  i32Add: 0x6a,
  i32Sub: 0x6b,
  tee: (local: number): number[] => [0x22, local],
} as const;

export const get = (local: number): number[] => [0x20, local];
export const set = (local: number): number[] => [0x21, local];
export const simd = (code: number): number[] => [0xfd, ...leb(code)];

/** A number in the variable-length form. */
export function leb(value: number): number[] {
  return value < 128 ? [value] : [(value & 127) | 128, ...leb(value >>> 7)];
}

function section(id: number, content: readonly number[]): number[] {
  return [id, ...leb(content.length), ...content];
}

/**
 * The module: its function is exported as `f`; with `memory` it imports `env.memory`, shared between threads or not.
 */
export function moduleOf(made: {
  params: readonly number[];
  results: readonly number[];
  /** Locals and instructions. */
  body: readonly number[];
  memory?: { shared: boolean };
}): Uint8Array<ArrayBuffer> {
  const name = (text: string): number[] => [text.length, ...[...text].map((c) => c.charCodeAt(0))];
  // At least one page; a shared memory says its maximum too, 65,536 of them.
  const limits = made.memory?.shared ? [3, 1, ...leb(65536)] : [0, 1];
  const imports = made.memory === undefined ? [] : section(2, [1, ...name("env"), ...name("memory"), 2, ...limits]);
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, [1, 0x60, made.params.length, ...made.params, made.results.length, ...made.results]),
    ...imports,
    ...section(3, [1, 0]),
    ...section(7, [1, ...name("f"), 0, 0]),
    ...section(10, [1, ...leb(made.body.length), ...made.body]),
  ]);
}
