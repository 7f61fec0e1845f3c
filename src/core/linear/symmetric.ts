/**
 * Eigenvalues of symmetric matrices: Householder reduction to tridiagonal form, then implicit QL (Wilkinson & Reinsch 1971;
 * Golub & Van Loan, ch. 8). Written here because the typed npm packages keep rows as arrays of arrays and always carry
 * eigenvectors, which makes the 2,048² spectra of a profile many times slower.
 */

interface Tridiagonal {
  readonly diagonal: Float64Array;
  /** off[i] couples i − 1 and i; off[0] is 0. */
  readonly off: Float64Array;
}

/**
 * Reduces the lower triangle of A from the last row up. The rank-two update of one step, A −= v qᵀ + q vᵀ, is done in the
 * same pass over memory as the next step's product A v, since memory is what bounds it.
 */
function tridiagonalise(matrix: Float64Array, n: number): Tridiagonal {
  const a = Float64Array.from(matrix);
  const diagonal = new Float64Array(n);
  const off = new Float64Array(n);
  // What is left of a matrix of low rank shrinks by ε a step until its squares underflow; far below rounding it is zero.
  const negligible = Number.EPSILON ** 2 * a.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  // The pending update, and the vector and product of the step at hand.
  let v = new Float64Array(n);
  let q = new Float64Array(n);
  let next = new Float64Array(n);
  let product = new Float64Array(n);
  for (let i = n - 1; i >= 1; i--) {
    const row = i * n;
    for (let c = 0; c <= i; c++) a[row + c] -= v[i] * q[c] + q[i] * v[c];
    diagonal[i] = a[row + i];

    let norm = 0;
    for (let c = 0; c < i; c++) norm += a[row + c] * a[row + c];
    norm = Math.sqrt(norm);
    const edge = a[row + i - 1];
    const target = edge > 0 ? -norm : norm;
    next.fill(0);
    product.fill(0);
    // 2 / vᵀv of the Householder vector v.
    let factor = 0;
    if (norm > negligible) {
      off[i] = target;
      for (let c = 0; c < i; c++) next[c] = a[row + c];
      next[i - 1] -= target;
      factor = 1 / (norm * norm - edge * target);
    }
    updateAndMultiply(a, n, i, v, q, next, product);

    let scale = 0;
    for (let c = 0; c < i; c++) scale += product[c] * next[c];
    scale *= (factor * factor) / 2;
    for (let c = 0; c < i; c++) product[c] = product[c] * factor - scale * next[c];
    [v, next] = [next, v];
    [q, product] = [product, q];
  }
  diagonal[0] = a[0] - 2 * v[0] * q[0];
  return { diagonal, off };
}

/** In the leading size × size lower triangle: A −= v qᵀ + q vᵀ, and product = A · next with the new A. */
function updateAndMultiply(
  a: Float64Array,
  n: number,
  size: number,
  v: Float64Array,
  q: Float64Array,
  next: Float64Array,
  product: Float64Array,
): void {
  let r = 0;
  // Two rows at a time share the loads and stores of the vectors.
  for (; r + 1 < size; r += 2) {
    const v0 = v[r];
    const q0 = q[r];
    const x0 = next[r];
    const v1 = v[r + 1];
    const q1 = q[r + 1];
    const x1 = next[r + 1];
    let y0 = 0;
    let y1 = 0;
    let at0 = r * n;
    let at1 = at0 + n;
    for (let c = 0; c < r; c++) {
      const vc = v[c];
      const qc = q[c];
      const xc = next[c];
      const a0 = a[at0] - v0 * qc - q0 * vc;
      const a1 = a[at1] - v1 * qc - q1 * vc;
      a[at0++] = a0;
      a[at1++] = a1;
      y0 += a0 * xc;
      y1 += a1 * xc;
      product[c] += a0 * x0 + a1 * x1;
    }
    const d0 = a[at0] - 2 * v0 * q0;
    const cross = a[at1] - v1 * q0 - q1 * v0;
    const d1 = a[at1 + 1] - 2 * v1 * q1;
    a[at0] = d0;
    a[at1] = cross;
    a[at1 + 1] = d1;
    product[r] += y0 + d0 * x0 + cross * x1;
    product[r + 1] += y1 + cross * x0 + d1 * x1;
  }
  if (r < size) {
    let y = 0;
    for (let c = 0; c < r; c++) {
      const value = a[r * n + c] - v[r] * q[c] - q[r] * v[c];
      a[r * n + c] = value;
      y += value * next[c];
      product[c] += value * next[r];
    }
    a[r * n + r] -= 2 * v[r] * q[r];
    product[r] += y + a[r * n + r] * next[r];
  }
}

/** Implicit QL on a tridiagonal matrix, in place: the diagonal becomes the eigenvalues. */
export function implicitQl(diagonal: Float64Array, off: Float64Array): void {
  const n = diagonal.length;
  off.copyWithin(0, 1);
  off[n - 1] = 0;
  for (let l = 0; l < n; l++) {
    for (;;) {
      let m = l;
      while (m < n - 1 && Math.abs(off[m]) > Number.EPSILON * (Math.abs(diagonal[m]) + Math.abs(diagonal[m + 1]))) m++;
      if (m === l) break;
      const half = (diagonal[l + 1] - diagonal[l]) / (2 * off[l]);
      const root = Math.hypot(half, 1);
      let g = diagonal[m] - diagonal[l] + off[l] / (half + (half >= 0 ? root : -root));
      let sine = 1;
      let cosine = 1;
      let shift = 0;
      for (let i = m - 1; i >= l; i--) {
        const f = sine * off[i];
        const b = cosine * off[i];
        const r = Math.sqrt(f * f + g * g);
        off[i + 1] = r;
        sine = r === 0 ? 0 : f / r;
        cosine = r === 0 ? 1 : g / r;
        g = diagonal[i + 1] - shift;
        const t = (diagonal[i] - g) * sine + 2 * cosine * b;
        shift = sine * t;
        diagonal[i + 1] = g + shift;
        g = cosine * t - b;
      }
      diagonal[l] -= shift;
      off[l] = g;
      off[m] = 0;
    }
  }
}

/**
 * All eigenvalues of a symmetric matrix, descending.
 *
 * @param matrix n × n; only the lower triangle is read; not changed
 */
export function symmetricEigenvalues(matrix: Float64Array, n: number): Float64Array {
  const { diagonal, off } = tridiagonalise(matrix, n);
  implicitQl(diagonal, off);
  return diagonal.sort().reverse();
}
