/** @file Elementwise kernels against their twins, bit for bit; the logarithm and powers within an ulp. */

import { UNARY, type UnaryKernel } from "../../../src/kernels/elementwise/abi.js";
import { ACTIVATION_FNS } from "../../../src/kernels/elementwise/activations.js";
import {
  agree,
  both,
  bytes,
  type Check,
  expectClose,
  expectSameBits,
  inout,
  input,
  lengths,
  output,
  property,
  reals,
  same,
  ulp,
} from "../harness.js";

/** Kernels of one array whose twins compute what they compute. */
const EXACT: ReadonlySet<UnaryKernel> = new Set<UnaryKernel>([
  ...(["f32_neg", "f32_abs", "f32_sign", "f32_floor", "f32_ceil", "f32_round", "f32_sqrt", "f32_relu"] as const),
  ...(["f32_exp", "f32_tanh", "f32_sigmoid"] as const),
]);

const exact = (name: UnaryKernel): Check => {
  return () =>
    property(lengths, (rng, len) => {
      const x = reals(rng, len);
      const [apart] = agree(name, input(x), output(x), len);
      const [inPlace] = agree(name, inout(x), same(0), len);
      if (apart.some((v, i) => !Object.is(v, inPlace[i]))) throw new Error(`${name}: in place differs`);
    });
};

const withinUlp = (name: UnaryKernel): Check => {
  return () =>
    property(lengths, (rng, len) => {
      const x = reals(rng, len);
      const result = both(name, input(x), output(x), len);
      const want = result.twin.outputs[0];
      expectClose(name, result.wasm.outputs[0], want, (i) => ulp(want[i]));
    });
};

const unary = Object.fromEntries(
  UNARY.map((name) => [name, EXACT.has(name) ? exact(name) : withinUlp(name)]),
) as Record<UnaryKernel, Check>;

export const elementwise = {
  ...unary,
  f32_relu_bwd: () =>
    property(lengths, (rng, len) => {
      const [x, dy] = [reals(rng, len), reals(rng, len)];
      agree("f32_relu_bwd", input(x), input(dy), output(x), len);
      agree("f32_relu_bwd", input(x), inout(dy), same(1), len);
    }),
  f32_clip: () =>
    property(lengths, (rng, len) => {
      const [lo, hi] = rng.bool(0.5) ? [0, 6] : [rng.range(-2, 0), rng.range(0, 2)];
      agree("f32_clip", input(reals(rng, len)), output(new Float32Array(len)), len, lo, hi);
    }),
  f32_clip_bwd: () =>
    property(lengths, (rng, len) => {
      const bound = Math.fround(rng.range(0, 2));
      const x = reals(rng, len).map((v) => (rng.bool(0.2) ? bound : rng.bool(0.2) ? -bound : v));
      agree("f32_clip_bwd", input(x), input(reals(rng, len)), output(x), len, -bound, bound);
    }),
  f32_activation: () =>
    property(lengths, (rng, len) => {
      const x = reals(rng, len);
      const fn = rng.int(ACTIVATION_FNS.length);
      const [alpha, beta] = [rng.range(-2, 2), rng.range(-2, 2)];
      const [apart] = agree("f32_activation", input(x), output(x), len, fn, alpha, beta);
      const [inPlace] = agree("f32_activation", inout(x), same(0), len, fn, alpha, beta);
      expectSameBits("f32_activation in place", inPlace, apart);
    }),
  f32_activation_bwd: () =>
    property(lengths, (rng, len) => {
      const [x, dy] = [reals(rng, len), reals(rng, len)];
      const fn = rng.int(ACTIVATION_FNS.length);
      const [alpha, beta] = [rng.range(-2, 2), rng.range(-2, 2)];
      agree("f32_activation_bwd", input(x), input(dy), output(x), len, fn, alpha, beta);
      agree("f32_activation_bwd", input(x), inout(dy), same(1), len, fn, alpha, beta);
    }),
  f32_scale_shift: () =>
    property(lengths, (rng, len) => {
      const x = reals(rng, len);
      agree("f32_scale_shift", input(x), output(x), len, rng.range(-3, 3), rng.range(-3, 3));
    }),
  f32_where: () =>
    property(lengths, (rng, len) => {
      const cond = bytes(rng, len, 3); // any byte but 0 is true
      const [a, b] = [reals(rng, len), reals(rng, len)];
      agree("f32_where", input(cond), input(a), input(b), output(a), len);
    }),
  f32_axpy: () =>
    property(lengths, (rng, len) => {
      agree("f32_axpy", input(reals(rng, len)), inout(reals(rng, len)), len, rng.range(-3, 3));
    }),
  f32_mask_scale: () =>
    property(lengths, (rng, len) => {
      const x = reals(rng, len);
      const mask = bytes(rng, len, 3); // any byte but 0 is true
      const scale = Math.fround(rng.range(1, 3));
      const [out] = agree("f32_mask_scale", input(x), input(mask), output(x), len, scale);
      expectSameBits(
        "f32_mask_scale",
        out,
        x.map((v, i) => (mask[i] !== 0 ? v * scale : 0)),
      );
    }),
} satisfies Record<string, Check>;
