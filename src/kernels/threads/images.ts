/** @file Rules of the window kernels: patches by rows, their adjoint and pools by images, of which no two share an element. */
import { GEOMETRY_FIELDS } from "../abi.js";
import { type Crew, cut, type Moving, part, type Rule } from "./chunks.js";

const FIELD = Object.fromEntries(GEOMETRY_FIELDS.map((field, i) => [field, i])) as Record<
  (typeof GEOMETRY_FIELDS)[number],
  number
>;

function geometry(crew: Crew, ptr: number): (field: (typeof GEOMETRY_FIELDS)[number]) => number {
  const ints = crew.ints(ptr, GEOMETRY_FIELDS.length);
  return (field) => ints[FIELD[field]];
}

/** Patches into rows of `out`. @param bytes of an element of a patch, or the argument that says how long a row is, in bytes */
function patches(name: string, bytes: number, rowStride: number | null): Rule {
  return (args, crew) => {
    const g = geometry(crew, args[2]);
    const width = g("kernelH") * g("kernelW") * g("channels");
    const found = cut(args[4], 0.1 + 0.08 * bytes * width, 16);
    if (found === null) return null;
    const moving: Moving[] = [
      [1, rowStride === null ? bytes * width : args[rowStride]],
      [3, 1], // the first row, not an address, but it moves alike
    ];
    crew.run(
      name,
      found.map((range) => part(args, 4, moving, range)),
    );
    return undefined;
  };
}

/** Patches added into images: the rows of one image stay together and in order. */
const addPatches: Rule = (args, crew) => {
  const [cols, image, geom, rowStart, rowCount] = args;
  const g = geometry(crew, geom);
  const perImage = g("outH") * g("outW");
  const width = g("kernelH") * g("kernelW") * g("channels");
  const first = Math.floor(rowStart / perImage);
  const last = Math.ceil((rowStart + rowCount) / perImage);
  const found = cut(last - first, 0.4 * width * perImage);
  if (found === null) return null;
  const calls = found.map(({ start, count }) => {
    const from = Math.max(rowStart, (first + start) * perImage);
    const to = Math.min(rowStart + rowCount, (first + start + count) * perImage);
    return [cols + 4 * width * (from - rowStart), image, geom, from, to - from];
  });
  crew.run("f32_col2im", calls);
  return undefined;
};

/** A pool, by images. @param geom index of the geometry */
function pool(name: string, geom: number): Rule {
  return (args, crew) => {
    const g = geometry(crew, args[geom]);
    const perImage = g("outH") * g("outW") * g("channels") * (1 + 0.4 * g("kernelH") * g("kernelW"));
    const found = cut(g("batch"), perImage);
    if (found === null) return null;
    crew.run(
      name,
      found.map(({ start, count }) => [...args, start, start + count]),
    );
    return undefined;
  };
}

/** Kernel → rule, for windows. */
export const IMAGE_RULES: Readonly<Record<string, Rule>> = {
  f32_im2col: patches("f32_im2col", 4, null),
  u8_im2col_f32: patches("u8_im2col_f32", 4, null),
  u8_im2col: patches("u8_im2col", 1, 5),
  f32_col2im: addPatches,
  f32_maxpool: pool("f32_maxpool_part", 3),
  u8_maxpool: pool("u8_maxpool_part", 3),
  f32_avgpool: pool("f32_avgpool_part", 2),
  f32_avgpool_bwd: pool("f32_avgpool_bwd_part", 2),
};
