/** @file Optimizer steps, in place. Coefficients made from several scalars are computed in f64 and rounded once. */
import { loadI8x4, storeSome } from "../shared/lanes";

export function f32_blend(wPtr: usize, codesPtr: usize, len: i32, delta: f32, rho: f64): void {
  const scale = f32x4.splat(delta);
  const keep = f32x4.splat(<f32>(1.0 - rho));
  const take = f32x4.splat(<f32>rho);
  for (let n = len; n > 0; n -= 4) {
    const quantized = f32x4.mul(scale, f32x4.convert_i32x4_s(loadI8x4(codesPtr)));
    storeSome(wPtr, f32x4.add(f32x4.mul(keep, v128.load(wPtr)), f32x4.mul(take, quantized)), n);
    wPtr += 16;
    codesPtr += 4;
  }
}

export function f32_sgd_step(
  wPtr: usize,
  gradPtr: usize,
  velocityPtr: usize,
  len: i32,
  lr: f32,
  momentum: f32,
  weightDecay: f32,
  nesterov: i32,
  first: i32,
): void {
  const rate = f32x4.splat(lr);
  const mu = f32x4.splat(momentum);
  const decay = f32x4.splat(weightDecay);
  let n = len;
  if (momentum != 0 && !nesterov && !first) {
    // The usual step, with nothing to decide.
    for (; n >= 4; n -= 4) {
      const w = v128.load(wPtr);
      const g = f32x4.add(v128.load(gradPtr), f32x4.mul(decay, w));
      const v = f32x4.add(f32x4.mul(mu, v128.load(velocityPtr)), g);
      v128.store(velocityPtr, v);
      v128.store(wPtr, f32x4.sub(w, f32x4.mul(rate, v)));
      wPtr += 16;
      gradPtr += 16;
      velocityPtr += 16;
    }
  }
  for (; n > 0; n -= 4) {
    const w = v128.load(wPtr);
    const g = f32x4.add(v128.load(gradPtr), f32x4.mul(decay, w));
    let d = g;
    if (momentum != 0) {
      const v = first ? g : f32x4.add(f32x4.mul(mu, v128.load(velocityPtr)), g);
      storeSome(velocityPtr, v, n);
      velocityPtr += 16;
      d = nesterov ? f32x4.add(g, f32x4.mul(mu, v)) : v;
    }
    storeSome(wPtr, f32x4.sub(w, f32x4.mul(rate, d)), n);
    wPtr += 16;
    gradPtr += 16;
  }
}

export function f32_adam_step(
  wPtr: usize,
  gradPtr: usize,
  mPtr: usize,
  vPtr: usize,
  len: i32,
  lr: f64,
  beta1: f64,
  beta2: f64,
  eps: f64,
  weightDecay: f64,
  decoupled: i32,
  correction1: f64,
  correction2: f64,
): void {
  const b1 = f32x4.splat(<f32>beta1);
  const c1 = f32x4.splat(<f32>(1.0 - beta1));
  const b2 = f32x4.splat(<f32>beta2);
  const c2 = f32x4.splat(<f32>(1.0 - beta2));
  const rate = f32x4.splat(<f32>(lr / correction1));
  const root = f32x4.splat(<f32>sqrt(correction2));
  const tiny = f32x4.splat(<f32>eps);
  const shrink = f32x4.splat(<f32>(1.0 - lr * weightDecay));
  const decay = f32x4.splat(<f32>weightDecay);
  for (let n = len; n > 0; n -= 4) {
    let w = v128.load(wPtr);
    let g = v128.load(gradPtr);
    if (decoupled) w = f32x4.mul(w, shrink);
    else g = f32x4.add(g, f32x4.mul(decay, w));
    const m = f32x4.add(f32x4.mul(b1, v128.load(mPtr)), f32x4.mul(c1, g));
    const v = f32x4.add(f32x4.mul(b2, v128.load(vPtr)), f32x4.mul(f32x4.mul(c2, g), g));
    const denominator = f32x4.add(f32x4.div(f32x4.sqrt(v), root), tiny);
    storeSome(mPtr, m, n);
    storeSome(vPtr, v, n);
    storeSome(wPtr, f32x4.sub(w, f32x4.div(f32x4.mul(rate, m), denominator)), n);
    wPtr += 16;
    gradPtr += 16;
    mPtr += 16;
    vPtr += 16;
  }
}
