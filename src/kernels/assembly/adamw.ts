/**
 * One step of AdamW over a vector (Loshchilov and Hutter 2019, algorithm 2), bias corrections in `rate` and `epsilon`.
 * The shares are 1 − β, which float32 cannot work out itself: of 1 − 0.999 it has but four digits. `decay` is the weight decay of each value, or no address where there is none. One pass: tfjs makes a dozen.
 */
export function adamw(
  count: i32,
  values: usize,
  first: usize,
  second: usize,
  gradient: usize,
  decay: usize,
  newValues: usize,
  newFirst: usize,
  newSecond: usize,
  beta1: f32,
  beta2: f32,
  share1: f32,
  share2: f32,
  rate: f32,
  epsilon: f32,
  decayRate: f32,
): void {
  const vectors = <usize>(count & ~3) * 4;
  const all = <usize>count * 4;
  const keep1 = f32x4.splat(beta1);
  const keep2 = f32x4.splat(beta2);
  const take1 = f32x4.splat(share1);
  const take2 = f32x4.splat(share2);
  let at: usize = 0;
  for (; at < vectors; at += 16) {
    const g = v128.load(gradient + at);
    const m = f32x4.add(f32x4.mul(v128.load(first + at), keep1), f32x4.mul(g, take1));
    const v = f32x4.add(f32x4.mul(v128.load(second + at), keep2), f32x4.mul(f32x4.mul(g, g), take2));
    const way = f32x4.div(m, f32x4.add(f32x4.sqrt(v), f32x4.splat(epsilon)));
    let w = v128.load(values + at);
    if (decay) w = f32x4.sub(w, f32x4.mul(f32x4.mul(w, v128.load(decay + at)), f32x4.splat(decayRate)));
    v128.store(newFirst + at, m);
    v128.store(newSecond + at, v);
    v128.store(newValues + at, f32x4.sub(w, f32x4.mul(way, f32x4.splat(rate))));
  }
  for (; at < all; at += 4) {
    const g = load<f32>(gradient + at);
    const m = load<f32>(first + at) * beta1 + g * share1;
    const v = load<f32>(second + at) * beta2 + g * g * share2;
    let w = load<f32>(values + at);
    if (decay) w -= w * load<f32>(decay + at) * decayRate;
    store<f32>(newFirst + at, m);
    store<f32>(newSecond + at, v);
    store<f32>(newValues + at, w - (m / (sqrt(v) + epsilon)) * rate);
  }
}
