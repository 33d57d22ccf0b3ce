/** @file Rules of the convolution kernels and the look-up products: positions of the output, or filters where something is summed over positions. */
import { GEOMETRY_FIELDS } from "../abi.js";
import { type Crew, cut, type Moving, part, type Rule, ranges } from "./chunks.js";

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
    // Every chunk gathers the patches anew: few, unless there are few filters.
    const found = cut(filters, 0.05 * length * rowCount, filters > 16 ? 16 : 8);
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

/** The gradient of the input: images. */
const backwardInput: Rule = (args, crew) => {
  const [, , , geom, filters, dyStride, images] = args;
  const ints = crew.ints(geom, GEOMETRY_FIELDS.length);
  const perImage = ints[field("outH")] * ints[field("outW")];
  const found = cut(images, perImage * patchLength(crew, geom) * (0.05 * filters + 0.3));
  if (found === null) return null;
  const moving: Moving[] = [
    [0, 4 * perImage * dyStride],
    [2, 4 * ints[field("inH")] * ints[field("inW")] * ints[field("channelStride")]],
  ];
  const stride = workStride(crew.whole("f32_conv_work")(geom, filters) as number);
  crew.run(
    "f32_conv_bwd_input",
    found.map((range) => part(args, 6, moving, range)),
    { argument: 7, stride },
  );
  return undefined;
};

/** Scratch of one thread that transforms weights. */
const TRANSFORM_WORK = 2048;

/** Transforms of weights, filter by filter. @param sides elements of source and result of one filter */
function transform(name: string, sides: (n: number, channels: number) => readonly [number, number]): Rule {
  return (args, crew) => {
    const [, , filters, channels, n] = args;
    const found = cut(filters, 20 * channels);
    if (found === null) return null;
    const [from, to] = sides(n, channels);
    const moving: Moving[] = [
      [0, 4 * from],
      [1, 4 * to],
    ];
    return crew.scratch(TRANSFORM_WORK * crew.threads, (work) => {
      const calls = found.map((range) => [...part(args, 2, moving, range).slice(0, 6), work]);
      crew.run(name, calls, { argument: 6, stride: TRANSFORM_WORK });
      return undefined;
    });
  };
}

/** Operands of planes, plane by plane. */
const planesPack: Rule = (args, crew) => {
  const [, , planes, srcStride, K, N] = args;
  const found = cut(planes, 0.5 * K * N);
  if (found === null) return null;
  const moving: Moving[] = [
    [0, 4 * srcStride],
    [1, 4 * Math.ceil(N / 8) * 8 * K],
  ];
  crew.run(
    "f32_planes_pack",
    found.map((range) => part(args, 2, moving, range)),
  );
  return undefined;
};

/** Nanoseconds of a tile: 36 products of channels and filters, and the transforms. */
const tileTime = (channels: number, filters: number): number =>
  36 * (0.05 * channels * filters + 0.6 * (channels + filters));

/** Tiles of the output. */
const winogradConv: Rule = (args, crew) => {
  const [, , , geom, filters, tileStart, tileCount] = args;
  const channels = crew.ints(geom, GEOMETRY_FIELDS.length)[field("channels")];
  const found = cut(tileCount, tileTime(channels, filters), 20);
  if (found === null) return null;
  const stride = workStride(crew.whole("f32_winograd_conv_work")(geom, filters) as number);
  crew.run(
    "f32_winograd_conv",
    found.map(({ start, count }) => [...args.slice(0, 5), tileStart + start, count, args[7]]),
    { argument: 7, stride },
  );
  return undefined;
};

/** Images, whose tiles share no element. */
const winogradInput: Rule = (args, crew) => {
  const [, , , geom, filters, imageStart, imageCount] = args;
  const ints = crew.ints(geom, GEOMETRY_FIELDS.length);
  const m = 7 - ints[field("kernelH")];
  const perImage = Math.ceil(ints[field("outH")] / m) * Math.ceil(ints[field("outW")] / m);
  const found = cut(imageCount, perImage * tileTime(ints[field("channels")], filters));
  if (found === null) return null;
  const stride = workStride(crew.whole("f32_winograd_bwd_input_work")(geom, filters) as number);
  crew.run(
    "f32_winograd_bwd_input",
    found.map(({ start, count }) => [...args.slice(0, 5), imageStart + start, count, args[7]]),
    { argument: 7, stride },
  );
  return undefined;
};

/** Channels times filters from which on each filter's products cost so much more than the inputs' transform that a few chunks may repeat it. */
const WIDE = 128 * 128;

/** The kernel's own parts; of few parts with many filters, quarters of the filters too. */
function winogradWeights(name: string): Rule {
  return (args, crew) => {
    const [x, dy, sums, geom, filters, parts, work] = args;
    const ints = crew.ints(geom, GEOMETRY_FIELDS.length);
    const [channels, m] = [ints[field("channels")], 7 - ints[field("kernelH")]];
    const tiles = ints[field("batch")] * Math.ceil(ints[field("outH")] / m) * Math.ceil(ints[field("outW")] / m);
    const size = parts < 4 && channels * filters >= WIDE ? Math.ceil(filters / 4 / 20) * 20 : filters;
    if (tiles * tileTime(channels, filters) < 30_000 || (parts === 1 && size >= filters)) return null;
    const calls: number[][] = [];
    for (let number = 0; number < parts; number++) {
      const [start, end] = [number, number + 1].map((i) => Math.floor((tiles * i) / parts));
      const to = sums + 4 * 36 * filters * channels * number;
      for (const range of ranges(filters, size)) {
        calls.push([x, dy, to, geom, filters, range.start, range.count, start, end - start, work]);
      }
    }
    const stride = workStride(crew.whole("f32_winograd_bwd_weight_work")(geom, filters) as number);
    crew.run(`${name}_part`, calls, { argument: 9, stride });
    return undefined;
  };
}

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

/** Lines of the output, in integers. @param time nanoseconds of a product; @param argument where the workspace is named */
function lines(name: string, time: number, argument: number): Rule {
  return (args, crew) => {
    const [, , , geom, , lineCount, filters] = args;
    const outW = crew.ints(geom, GEOMETRY_FIELDS.length)[field("outW")];
    const found = cut(lineCount, time * patchLength(crew, geom) * filters * outW);
    if (found === null) return null;
    const moving: Moving[] = [
      [2, 4 * filters * outW],
      [4, 1],
    ];
    crew.run(
      name,
      found.map((range) => part(args, 5, moving, range)),
      { argument, stride: workStride(crew.whole(`${name}_work`)(geom) as number) },
    );
    return undefined;
  };
}

/** Kernel → rule, for convolutions. */
export const CONVOLUTION_RULES: Readonly<Record<string, Rule>> = {
  f32_conv: forward("f32_conv"),
  u8_conv_f32: forward("u8_conv_f32"),
  f32_conv_bwd_weight: backwardWeight("f32_conv_bwd_weight"),
  u8_conv_bwd_weight_f32: backwardWeight("u8_conv_bwd_weight_f32"),
  f32_conv_bwd_input: backwardInput,
  f32_conv_work: workOfAll("f32_conv_work"),
  f32_winograd_expand: transform("f32_winograd_expand", (n, channels) => [n * n * channels, channels]),
  f32_winograd_contract: transform("f32_winograd_contract", (n, channels) => [channels, n * n * channels]),
  f32_planes_pack: planesPack,
  f32_winograd_conv: winogradConv,
  f32_winograd_conv_work: workOfAll("f32_winograd_conv_work"),
  f32_winograd_bwd_input: winogradInput,
  f32_winograd_bwd_input_work: workOfAll("f32_winograd_bwd_input_work"),
  f32_winograd_bwd_weight: winogradWeights("f32_winograd_bwd_weight"),
  u8_winograd_bwd_weight_f32: winogradWeights("u8_winograd_bwd_weight_f32"),
  f32_winograd_bwd_weight_work: workOfAll("f32_winograd_bwd_weight_work"),
  u4_lut_gemm: lookupRows,
  u4_lut_gemm_work: workOfAll("u4_lut_gemm_work"),
  u4_lut_conv: lines("u4_lut_conv", 0.012, 10),
  u4_lut_conv_work: workOfAll("u4_lut_conv_work"),
  u8_i8_conv: lines("u8_i8_conv", 0.03, 8),
  u8_i8_conv_work: workOfAll("u8_i8_conv_work"),
};
