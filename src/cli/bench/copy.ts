/**
 * @file The yardstick of bandwidth-bound kernels: a copy by a loop of WebAssembly, 64 bytes a turn. (memory.copy is
 * native code.)
 */
import { heap } from "../../kernels/index.js";
import { get, moduleOf, op, simd } from "./assemble.js";

type Copy = (src: number, dst: number, turns: number) => void;

/** A copy over the running engine's heap; `turns` of 64 bytes. */
export function wasmCopy(): Copy {
  const { memory } = heap();
  // The reference backend's heap is none of WebAssembly's.
  if (memory === null)
    return (src, dst, turns) =>
      heap()
        .u8(dst, 64 * turns)
        .set(heap().u8(src, 64 * turns));
  const [LOAD, STORE, ALIGN] = [0, 11, 4];
  const body = [
    0, // no locals
    ...[op.loop, op.empty],
    ...[0, 16, 32, 48].flatMap((at) => [...get(1), ...get(0), ...simd(LOAD), ALIGN, at, ...simd(STORE), ALIGN, at]),
    ...[0, 1].flatMap((pointer) => [...get(pointer), op.i32Const, 0xc0, 0x00, op.i32Add, 0x21, pointer]),
    ...[...get(2), op.i32Const, 1, op.i32Sub, ...op.tee(2), op.brIf, 0, op.end],
    op.end,
  ];
  const shared = !(memory.buffer instanceof ArrayBuffer);
  const bytes = moduleOf({ params: [op.i32, op.i32, op.i32], results: [], body, memory: { shared } });
  return new WebAssembly.Instance(new WebAssembly.Module(bytes), { env: { memory } }).exports["f"] as Copy;
}
