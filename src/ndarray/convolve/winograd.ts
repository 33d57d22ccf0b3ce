/**
 * @file Square stride-1 convolutions by Winograd's algorithm: 36 products per tile of 4×4 outputs (3×3 taps, instead of
 * 144) or 2×2 outputs (5×5 taps, instead of 100).
 *
 * For gradients, and for forward passes where an exact sum of integers need not come out exact. Blocks and parts depend
 * on the extents alone.
 */
import { bytesPer } from "../../core/dtype.js";
import { type Convolution, type Geometry, winogradTiles } from "../../kernels/choose.js";
import { kernelsFor } from "../../kernels/engine.js";
import { POINTS, TRANSFORM_WORK } from "../../kernels/winograd/sizes.js";
import { permute } from "../movement.js";
import type { NDArray } from "../ndarray.js";
import { withScratch } from "../scratch.js";
import { stridedCopy } from "../strided.js";
import { withGeometry } from "../window.js";

/** Elements between the ends of one plane and the next: keeps equal places of planes out of the same cache set. */
const SKEW = 16;

/** Runs `fn` with the points [36, K, N] of weights [K, r, r, N], packed for products. */
function withPoints(weights: NDArray, fn: (points: number) => void): void {
  const kernels = kernelsFor(weights.dtype);
  const bytes = bytesPer(weights.dtype);
  const [K, r, , N] = weights.shape;
  const stride = K * N + SKEW;
  withScratch(POINTS * Math.ceil(N / 8) * 8 * K * bytes, (points) => {
    withScratch(POINTS * stride * bytes, (plain) =>
      withScratch(TRANSFORM_WORK, (work) => {
        kernels.f32_winograd_expand(weights.ptr, plain, K, N, r, stride, work);
        kernels.f32_planes_pack(plain, points, POINTS, stride, K, N);
      }),
    );
    fn(points);
  });
}

/**
 * Writes the convolution of `x` into `y`.
 *
 * @param x [N,H,W,C]
 * @param weights [C,Kh,Kw,O]
 * @param y [N,outH,outW,O]
 */
function convolve(x: NDArray, weights: NDArray, y: NDArray, g: Geometry): void {
  const kernels = kernelsFor(x.dtype);
  const filters = weights.shape[3];
  withPoints(weights, (points) =>
    withGeometry(g, (geom) =>
      withScratch(kernels.f32_winograd_conv_work(geom, filters), (work) => {
        kernels.f32_winograd_conv(x.ptr, points, y.ptr, geom, filters, 0, winogradTiles(g), work);
      }),
    ),
  );
}

/**
 * Forward convolution.
 *
 * @param packed [O,Kh,Kw,C]
 * @param y written, [N,outH,outW,O]
 */
export function winogradForward(x: NDArray, packed: NDArray, y: NDArray, { geometry }: Convolution): void {
  const weights = permute(packed, [3, 1, 2, 0]);
  convolve(x, weights, y, geometry);
  weights.dispose();
}

/**
 * The gradient for the input: the convolution of dy with the weights turned by half a turn.
 *
 * @param dy [N,outH,outW,O]
 * @param packed [O,Kh,Kw,C]
 * @param dx written, [N,H,W,C]
 */
export function winogradBackwardInput(dy: NDArray, packed: NDArray, dx: NDArray, { geometry: g }: Convolution): void {
  const [filters, r, , channels] = packed.shape;
  const turn = {
    ...g,
    inH: g.outH,
    inW: g.outW,
    outH: g.inH,
    outW: g.inW,
    channels: filters,
    channelStride: filters,
    padTop: r - 1 - g.padTop,
    padLeft: r - 1 - g.padLeft,
  };
  const line = r * channels;
  const turned = stridedCopy(packed, r * line - channels, packed.shape, [r * line, -line, -channels, 1]);
  convolve(dy, turned, dx, turn);
  turned.dispose();
}

/** The same by the adjoint over dy's tiles, for images that have many more tiles than dy: added to dx. */
export function winogradAdjoint(dy: NDArray, packed: NDArray, dx: NDArray, { geometry: g }: Convolution): void {
  const kernels = kernelsFor(dy.dtype);
  const filters = packed.shape[0];
  withPoints(packed, (points) =>
    withGeometry(g, (geom) =>
      withScratch(kernels.f32_winograd_bwd_input_work(geom, filters), (work) => {
        kernels.f32_winograd_bwd_input(dy.ptr, points, dx.ptr, geom, filters, 0, g.batch, work);
      }),
    ),
  );
}

/**
 * Tiles of a part of the weights' gradient, at least: adding a part's sums to the others costs about as much as 30
 * tiles.
 */
const PART_TILES = 256;
const MOST_PARTS = 8;

/**
 * The gradient for the weights, summed in parts that threads share. From codes, without their step.
 *
 * @param x [N,H,W,C], real or u8
 * @param dy [N,outH,outW,O]
 * @param dw written, [O,Kh,Kw,C]
 */
export function winogradBackwardWeight(x: NDArray, dy: NDArray, dw: NDArray, { geometry: g }: Convolution): void {
  const kernels = kernelsFor(dy.dtype);
  const bytes = bytesPer(dy.dtype);
  const [filters, r] = dw.shape;
  const weights = filters * g.channels;
  const parts = Math.max(1, Math.min(MOST_PARTS, Math.floor(winogradTiles(g) / PART_TILES)));
  const kernel = x.dtype === "u8" ? "u8_winograd_bwd_weight_f32" : "f32_winograd_bwd_weight";
  withScratch(POINTS * weights * bytes * parts, (sums) => {
    withGeometry(g, (geom) =>
      withScratch(kernels.f32_winograd_bwd_weight_work(geom, filters), (work) => {
        kernels[kernel](x.ptr, dy.ptr, sums, geom, filters, parts, 0, parts, 0, filters, work);
      }),
    );
    for (let part = 1; part < parts; part++) {
      kernels.f32_axpy(sums + part * POINTS * weights * bytes, sums, POINTS * weights, 1);
    }
    withScratch(TRANSFORM_WORK, (work) => {
      kernels.f32_winograd_contract(sums, dw.ptr, filters, g.channels, r, weights, work);
    });
  });
}
