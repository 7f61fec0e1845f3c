// Winograd's minimal filtering F(4×4, 3×3) (Lavin and Gray 2016) by the points 0, ±√½, ±√2 and ∞, whose rounding in float32 is
// a third of that of the usual 0, ±1, ±2: y = Aᵀ [(G g Gᵀ) ⊙ (Bᵀ d B)] A. Each function below applies one of the matrices to
// one line of vectors, `step` bytes apart; applied to columns and then to rows they transform a tile.

/** Windows of a tile along a side, the pixels that they read, and products of a tile. */
export const TILE: i32 = 4;
export const REACH: usize = 6;
export const PRODUCTS: usize = 36;
export const VECTOR: usize = 16;

const A: f32 = <f32>Math.SQRT1_2;
const B: f32 = <f32>Math.SQRT2;
const G_A: f32 = -2 / 3;
const G_B: f32 = 1 / 6;

/** Methods and no functions, because only those may be inlined by a decorator; called, they cost as much again. */
export class Line {
  /** Bᵀ d: six pixels to six. */
  @inline static transformPixels(from: usize, step: usize, to: usize, toStep: usize): void {
    const d0 = v128.load(from);
    const d1 = v128.load(from + step);
    const d2 = v128.load(from + 2 * step);
    const d3 = v128.load(from + 3 * step);
    const d4 = v128.load(from + 4 * step);
    const d5 = v128.load(from + 5 * step);
    const two = f32x4.splat(2);
    const half = f32x4.splat(0.5);
    const both = f32x4.splat(2.5);
    v128.store(to, f32x4.add(f32x4.sub(d0, f32x4.mul(d2, both)), d4));
    const evenA = f32x4.sub(d4, f32x4.mul(d2, two));
    const oddA = f32x4.mul(f32x4.sub(d3, f32x4.mul(d1, two)), f32x4.splat(A));
    v128.store(to + toStep, f32x4.add(evenA, oddA));
    v128.store(to + 2 * toStep, f32x4.sub(evenA, oddA));
    const evenB = f32x4.sub(d4, f32x4.mul(d2, half));
    const oddB = f32x4.mul(f32x4.sub(d3, f32x4.mul(d1, half)), f32x4.splat(B));
    v128.store(to + 3 * toStep, f32x4.add(evenB, oddB));
    v128.store(to + 4 * toStep, f32x4.sub(evenB, oddB));
    v128.store(to + 5 * toStep, f32x4.add(f32x4.sub(d1, f32x4.mul(d3, both)), d5));
  }

  /** Aᵀ m: six products to the first `count` of four values. */
  @inline static foldProducts(from: usize, step: usize, to: usize, toStep: usize, count: i32): void {
    const m1 = v128.load(from + step);
    const m2 = v128.load(from + 2 * step);
    const m3 = v128.load(from + 3 * step);
    const m4 = v128.load(from + 4 * step);
    const evenA = f32x4.add(m1, m2);
    const evenB = f32x4.add(m3, m4);
    const oddA = f32x4.mul(f32x4.sub(m1, m2), f32x4.splat(A));
    const oddB = f32x4.mul(f32x4.sub(m3, m4), f32x4.splat(B));
    v128.store(to, f32x4.add(v128.load(from), f32x4.add(evenA, evenB)));
    if (count > 1) v128.store(to + toStep, f32x4.add(oddA, oddB));
    const half = f32x4.splat(0.5);
    const two = f32x4.splat(2);
    if (count > 2) v128.store(to + 2 * toStep, f32x4.add(f32x4.mul(evenA, half), f32x4.mul(evenB, two)));
    if (count > 3) {
      const odd = f32x4.add(f32x4.mul(oddA, half), f32x4.mul(oddB, two));
      v128.store(to + 3 * toStep, f32x4.add(odd, v128.load(from + 5 * step)));
    }
  }

  /** A y: the first `count` of four values, and zeros past them, to six. */
  @inline static spreadValues(from: usize, step: usize, count: i32, to: usize, toStep: usize): void {
    const zero = f32x4.splat(0);
    const y0 = v128.load(from);
    const y1 = count > 1 ? v128.load(from + step) : zero;
    const y2 = count > 2 ? v128.load(from + 2 * step) : zero;
    const y3 = count > 3 ? v128.load(from + 3 * step) : zero;
    const two = f32x4.splat(2);
    const half = f32x4.splat(0.5);
    v128.store(to, y0);
    const evenA = f32x4.add(y0, f32x4.mul(y2, half));
    const oddA = f32x4.mul(f32x4.add(y1, f32x4.mul(y3, half)), f32x4.splat(A));
    v128.store(to + toStep, f32x4.add(evenA, oddA));
    v128.store(to + 2 * toStep, f32x4.sub(evenA, oddA));
    const evenB = f32x4.add(y0, f32x4.mul(y2, two));
    const oddB = f32x4.mul(f32x4.add(y1, f32x4.mul(y3, two)), f32x4.splat(B));
    v128.store(to + 3 * toStep, f32x4.add(evenB, oddB));
    v128.store(to + 4 * toStep, f32x4.sub(evenB, oddB));
    v128.store(to + 5 * toStep, y3);
  }

  /** G g: three taps to six. */
  @inline static spreadTaps(g0: v128, g1: v128, g2: v128, to: usize, toStep: usize): void {
    v128.store(to, g0);
    const evenA = f32x4.add(g0, f32x4.mul(g2, f32x4.splat(0.5)));
    const oddA = f32x4.mul(g1, f32x4.splat(A));
    v128.store(to + toStep, f32x4.mul(f32x4.add(evenA, oddA), f32x4.splat(G_A)));
    v128.store(to + 2 * toStep, f32x4.mul(f32x4.sub(evenA, oddA), f32x4.splat(G_A)));
    const evenB = f32x4.add(g0, f32x4.mul(g2, f32x4.splat(2)));
    const oddB = f32x4.mul(g1, f32x4.splat(B));
    v128.store(to + 3 * toStep, f32x4.mul(f32x4.add(evenB, oddB), f32x4.splat(G_B)));
    v128.store(to + 4 * toStep, f32x4.mul(f32x4.sub(evenB, oddB), f32x4.splat(G_B)));
    v128.store(to + 5 * toStep, g2);
  }

  /** Gᵀ s: six sums to three taps. */
  @inline static foldSums(from: usize, step: usize, to: usize, toStep: usize): void {
    const s1 = v128.load(from + step);
    const s2 = v128.load(from + 2 * step);
    const s3 = v128.load(from + 3 * step);
    const s4 = v128.load(from + 4 * step);
    const evenA = f32x4.mul(f32x4.add(s1, s2), f32x4.splat(G_A));
    const evenB = f32x4.mul(f32x4.add(s3, s4), f32x4.splat(G_B));
    const oddA = f32x4.mul(f32x4.sub(s1, s2), f32x4.splat(G_A * A));
    const oddB = f32x4.mul(f32x4.sub(s3, s4), f32x4.splat(G_B * B));
    v128.store(to, f32x4.add(v128.load(from), f32x4.add(evenA, evenB)));
    v128.store(to + toStep, f32x4.add(oddA, oddB));
    const last = f32x4.add(f32x4.mul(evenA, f32x4.splat(0.5)), f32x4.mul(evenB, f32x4.splat(2)));
    v128.store(to + 2 * toStep, f32x4.add(last, v128.load(from + 5 * step)));
  }
}
