/** max(0, x), and at most `most`, which may be infinite. NaN stays NaN: pmax and pmin return their first operand for it. */
export function rectify(x: usize, y: usize, count: i32, most: f32): void {
  const end = x + <usize>(count & ~3) * 4;
  while (x < end) {
    v128.store(y, f32x4.pmin(f32x4.pmax(v128.load(x), f32x4.splat(0)), f32x4.splat(most)));
    x += 16;
    y += 16;
  }
  for (let left = count & 3; left > 0; left--) {
    const value = load<f32>(x);
    store<f32>(y, value < 0 ? 0 : value > most ? most : value);
    x += 4;
    y += 4;
  }
}

/** dy where 0 < y < most, else 0. */
export function rectifyGradient(dy: usize, y: usize, dx: usize, count: i32, most: f32): void {
  const end = y + <usize>(count & ~3) * 4;
  while (y < end) {
    const value = v128.load(y);
    const open = v128.and(f32x4.gt(value, f32x4.splat(0)), f32x4.lt(value, f32x4.splat(most)));
    v128.store(dx, v128.and(v128.load(dy), open));
    dy += 16;
    y += 16;
    dx += 16;
  }
  for (let left = count & 3; left > 0; left--) {
    const value = load<f32>(y);
    store<f32>(dx, value > 0 && value < most ? load<f32>(dy) : 0);
    dy += 4;
    y += 4;
    dx += 4;
  }
}
