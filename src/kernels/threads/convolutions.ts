/** @file Rules of the convolution kernels and the look-up products: positions of the output, or filters where something is summed over positions. */
import { GEOMETRY_FIELDS } from "../abi.js";
import { type Crew, cut, type Moving, part, type Rule } from "./chunks.js";

const field = (name: (typeof GEOMETRY_FIELDS)[number]): number => GEOMETRY_FIELDS.indexOf(name);

/** Bytes from one thread's workspace to the next one's. */
function workStride(bytes: number): number {
  return Math.ceil(bytes / 64) * 64;
}

/** Multiply-adds of one filter at one position. */
function patchLength(crew: Crew, geom: number): number {
  const ints = crew.ints(geom, GEOMETRY_FIELDS.length);
  return ints[field("kernelH")] * ints[field("kernelW")] * ints[field("channels")];
}

/** Every thread its own scratch. @param name the kernel that says how much one needs */
function workOfAll(name: string): Rule {
  return (args, crew) => crew.threads * workStride(crew.whole(name)(...args) as number);
}

/** Forward: rows of the output. Rows move y and the first position alike. */
function forward(name: string): Rule {
  return (args, crew) => {
    const [, , , geom, filters, yStride, , rowCount] = args;
    const found = cut(rowCount, 0.05 * patchLength(crew, geom) * filters, 40);
    if (found === null) return null;
    const moving: Moving[] = [
      [2, 4 * yStride],
      [6, 1],
    ];
    const stride = workStride(crew.whole("f32_conv_work")(geom, filters) as number);
    crew.run(
      name,
      found.map((range) => part(args, 7, moving, range)),
      { argument: 8, stride },
    );
    return undefined;
  };
}

/** The gradient of the weights: filters, each of which sums over all positions as before. */
function backwardWeight(name: string): Rule {
  return (args, crew) => {
    const [, , , geom, filters, , , rowCount] = args;
    const length = patchLength(crew, geom);
    const found = cut(filters, 0.05 * length * rowCount, 16);
    if (found === null) return null;
    const moving: Moving[] = [
      [1, 4],
      [2, 4 * length],
    ];
    const stride = workStride(crew.whole("f32_conv_work")(geom, filters) as number);
    crew.run(
      name,
      found.map((range) => part(args, 4, moving, range)),
      { argument: 8, stride },
    );
    return undefined;
  };
}

/** Stacks of products: whole planes, which share nothing. */
const planesMultiply: Rule = (args, crew) => {
  const [, , , , aStride, cStride, M, N, K] = args;
  const found = cut(args[3], 0.05 * M * N * K);
  if (found === null) return null;
  const moving: Moving[] = [
    [0, 4 * aStride],
    [1, 4 * Math.ceil(N / 8) * 8 * K],
    [2, 4 * cStride],
  ];
  crew.run(
    "f32_planes_multiply",
    found.map((range) => part(args, 3, moving, range)),
    { argument: 9, stride: workStride(crew.whole("f32_planes_work")(K) as number) },
  );
  return undefined;
};

/** Scratch of one thread in `f32_planes_outer`, in whole cache lines. */
const OUTER_WORK = 192;

const planesOuter: Rule = (args, crew) => {
  const [, , , , aStride, bStride, M, N, K] = args;
  const found = cut(args[3], 0.05 * M * N * K);
  if (found === null) return null;
  const moving: Moving[] = [
    [0, 4 * aStride],
    [1, 4 * bStride],
    [2, 4 * M * N],
  ];
  return crew.scratch(OUTER_WORK * crew.threads, (work) => {
    const calls = found.map((range) => [...part(args, 3, moving, range).slice(0, 9), work]);
    crew.run("f32_planes_outer", calls, { argument: 9, stride: OUTER_WORK });
    return undefined;
  });
};

/** Rows of codes by look-up. */
const lookupRows: Rule = (args, crew) => {
  const [, , , M, N, K, lda] = args;
  const found = cut(M, 0.012 * N * K, 16);
  if (found === null) return null;
  const moving: Moving[] = [
    [0, lda],
    [2, 4 * N],
  ];
  crew.run(
    "u4_lut_gemm",
    found.map((range) => part(args, 3, moving, range)),
    { argument: 10, stride: workStride(crew.whole("u4_lut_gemm_work")() as number) },
  );
  return undefined;
};

/** Lines of the output by look-up. */
const lookupLines: Rule = (args, crew) => {
  const [, , , geom, , lineCount, filters] = args;
  const outW = crew.ints(geom, GEOMETRY_FIELDS.length)[field("outW")];
  const found = cut(lineCount, 0.012 * patchLength(crew, geom) * filters * outW);
  if (found === null) return null;
  const moving: Moving[] = [
    [2, 4 * filters * outW],
    [4, 1],
  ];
  crew.run(
    "u4_lut_conv",
    found.map((range) => part(args, 5, moving, range)),
    { argument: 10, stride: workStride(crew.whole("u4_lut_conv_work")(geom) as number) },
  );
  return undefined;
};

/** Kernel → rule, for convolutions. */
export const CONVOLUTION_RULES: Readonly<Record<string, Rule>> = {
  f32_conv: forward("f32_conv"),
  u8_conv_f32: forward("u8_conv_f32"),
  f32_conv_bwd_weight: backwardWeight("f32_conv_bwd_weight"),
  u8_conv_bwd_weight_f32: backwardWeight("u8_conv_bwd_weight_f32"),
  f32_conv_work: workOfAll("f32_conv_work"),
  f32_planes_multiply: planesMultiply,
  f32_planes_outer: planesOuter,
  f32_planes_work: workOfAll("f32_planes_work"),
  u4_lut_gemm: lookupRows,
  u4_lut_gemm_work: workOfAll("u4_lut_gemm_work"),
  u4_lut_conv: lookupLines,
  u4_lut_conv_work: workOfAll("u4_lut_conv_work"),
};
