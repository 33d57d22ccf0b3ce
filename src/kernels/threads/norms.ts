/** @file Rules of batch norms joined to their activations: rows forward, blocks of rows backward. */
import { type Crew, cut, type Moving, part, type Rule } from "./chunks.js";
import { blocksOfRows, columnSums } from "./sums.js";

/** Nanoseconds of an element. */
const FORWARD = 1.2;

/** Bytes from one thread's workspace to the next one's. */
function workStride(crew: Crew, channels: number): number {
  return Math.ceil((crew.whole("f32_batchnorm_activation_work")(channels) as number) / 64) * 64;
}

/** Bytes of an element of a shortcut: reals if the step is 0. */
const shortcutBytes = (step: number): number => (step === 0 ? 4 : 1);

/** @param outBytes of an element of the output @param work index of the scratch, if there is one */
function forward(name: string, outBytes: number, work?: number): Rule {
  return (args, crew) => {
    const [, shortcut, step, , rows, channels] = args;
    const found = cut(rows, FORWARD * channels);
    if (found === null) return null;
    const moving: Moving[] = [
      [0, 4 * channels],
      [1, shortcut === 0 ? 0 : shortcutBytes(step) * channels],
      [3, outBytes * channels],
    ];
    crew.run(
      name,
      found.map((range) => part(args, 4, moving, range)),
      work === undefined ? undefined : { argument: work, stride: workStride(crew, channels) },
    );
    return undefined;
  };
}

const reluBackward: Rule = (args, crew) => {
  const [x, y, dy, g, rows, channels, norm, dgamma, dbeta] = args;
  const blocks = blocksOfRows(rows, channels);
  if (blocks === null) return null;
  const call = (start: number, count: number, to: readonly number[]): number[] => {
    const at = 4 * channels * start;
    return [x + at, y + at, dy + at, g + at, count, channels, norm, ...to];
  };
  const { sums } = columnSums(crew, blocks, channels, 2, "f32_batchnorm_relu_bwd_part", call);
  crew.f32(dgamma, channels).set(sums[0]);
  crew.f32(dbeta, channels).set(sums[1]);
  return undefined;
};

const staircaseBackward: Rule = (args, crew) => {
  const [x, shortcut, step, codes, dy, g, rows, channels, norm, ...rest] = args;
  const [alpha, top, proxy, rule, dgamma, dbeta, work] = rest;
  const blocks = blocksOfRows(rows, channels);
  if (blocks === null) return null;
  const call = (start: number, count: number, to: readonly number[]): number[] => {
    const first = channels * start;
    const [at, from] = [4 * first, shortcut === 0 ? 0 : shortcut + shortcutBytes(step) * first];
    return [
      ...[x + at, from, step, codes + first, dy + at, g + at, count, channels, norm],
      ...[alpha, top, proxy, rule, ...to, work],
    ];
  };
  const scratch = { argument: 15, stride: workStride(crew, channels) };
  const name = "f32_batchnorm_staircase_bwd_part";
  const { sums, returned } = columnSums(crew, blocks, channels, 2, name, call, scratch);
  crew.f32(dgamma, channels).set(sums[0]);
  crew.f32(dbeta, channels).set(sums[1]);
  return returned;
};

/** Kernel → rule, for batch norms with activations. */
export const NORM_RULES: Readonly<Record<string, Rule>> = {
  f32_batchnorm_relu: forward("f32_batchnorm_relu", 4),
  f32_batchnorm_relu_bwd: reluBackward,
  f32_batchnorm_staircase: forward("f32_batchnorm_staircase", 1, 10),
  f32_batchnorm_staircase_bwd: staircaseBackward,
  f32_batchnorm_activation_work: ([channels], crew) => crew.threads * workStride(crew, channels),
};
