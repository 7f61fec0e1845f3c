/** Rows that are summed at once: with two vectors each, eight sums are what the registers hold. */
const ROWS: i32 = 4;

/** Inlined as {@link Line} is: V8 then knows most steps, and drops loops that are run once. */
export class Matrix {
  /**
   * Products of two matrices: to[r][c] = Σ over `steps` of x[r][step] · w[step][c], for `rows` in whole fours and eight columns that
   * follow one another; with `add` on top of what is there. Rows and steps are so many bytes apart. x may have several such lines of
   * steps, `xLine` bytes apart (or else 0), for which w goes on.
   */
  @inline static multiply(
    x: usize,
    xRow: usize,
    xStep: usize,
    w: usize,
    wStep: usize,
    steps: i32,
    rows: i32,
    to: usize,
    toRow: usize,
    add: bool,
    lines: i32 = 1,
    xLine: usize = 0,
  ): void {
    for (; rows > 0; rows -= ROWS) {
      let at = w;
      let a0 = f32x4.splat(0);
      let a1 = f32x4.splat(0);
      let b0 = f32x4.splat(0);
      let b1 = f32x4.splat(0);
      let c0 = f32x4.splat(0);
      let c1 = f32x4.splat(0);
      let d0 = f32x4.splat(0);
      let d1 = f32x4.splat(0);
      let line = 0;
      do {
        let x0 = x + <usize>line * xLine;
        let x1 = x0 + xRow;
        let x2 = x1 + xRow;
        let x3 = x2 + xRow;
        const end = at + <usize>steps * wStep;
        do {
          const w0 = v128.load(at);
          const w1 = v128.load(at, 16);
          const xa = v128.load32_splat(x0);
          a0 = f32x4.add(f32x4.mul(xa, w0), a0);
          a1 = f32x4.add(f32x4.mul(xa, w1), a1);
          const xb = v128.load32_splat(x1);
          b0 = f32x4.add(f32x4.mul(xb, w0), b0);
          b1 = f32x4.add(f32x4.mul(xb, w1), b1);
          const xc = v128.load32_splat(x2);
          c0 = f32x4.add(f32x4.mul(xc, w0), c0);
          c1 = f32x4.add(f32x4.mul(xc, w1), c1);
          const xd = v128.load32_splat(x3);
          d0 = f32x4.add(f32x4.mul(xd, w0), d0);
          d1 = f32x4.add(f32x4.mul(xd, w1), d1);
          x0 += xStep;
          x1 += xStep;
          x2 += xStep;
          x3 += xStep;
          at += wStep;
        } while (at < end);
        if (xLine === 0) break;
        line++;
      } while (line < lines);
      Matrix.storeRow(to, a0, a1, add);
      Matrix.storeRow(to + toRow, b0, b1, add);
      Matrix.storeRow(to + 2 * toRow, c0, c1, add);
      Matrix.storeRow(to + 3 * toRow, d0, d1, add);
      x += <usize>ROWS * xRow;
      to += <usize>ROWS * toRow;
    }
  }

  @inline static storeRow(to: usize, low: v128, high: v128, add: bool): void {
    v128.store(to, add ? f32x4.add(v128.load(to), low) : low);
    v128.store(to, add ? f32x4.add(v128.load(to, 16), high) : high, 16);
  }
}
