// Products of matrices over the rows as they lie: criteria and kernels need them without an engine, and engines in float64.

/** Rows of values: count × size, row-major. */
export interface Rows {
  readonly count: number;
  readonly size: number;
  readonly values: Float32Array | Float64Array;
}

/** Dot products of all pairs of rows, A Aᵀ: count × count, symmetric. */
export function gramOfRows({ count, size, values }: Rows): Float64Array {
  const gram = new Float64Array(count * count);
  for (let i = 0; i < count; i += 2) {
    const first = i * size;
    const end = first + size;
    // The last of an odd number of rows is its own companion.
    const second = i + 1 < count ? end : first;
    let j = 0;
    // Eight sums at a time do not wait for each other, as one alone would at every addition, and share what they read.
    for (; j + 4 <= i; j += 4) {
      let b0 = j * size;
      let b1 = b0 + size;
      let b2 = b1 + size;
      let b3 = b2 + size;
      let [d0, d1, d2, d3] = [0, 0, 0, 0];
      let [e0, e1, e2, e3] = [0, 0, 0, 0];
      for (let a = first, c = second; a < end; a++, c++) {
        const one = values[a];
        const other = values[c];
        const v0 = values[b0++];
        const v1 = values[b1++];
        const v2 = values[b2++];
        const v3 = values[b3++];
        d0 += one * v0;
        d1 += one * v1;
        d2 += one * v2;
        d3 += one * v3;
        e0 += other * v0;
        e1 += other * v1;
        e2 += other * v2;
        e3 += other * v3;
      }
      gram.set([d0, d1, d2, d3], i * count + j);
      if (second !== first) gram.set([e0, e1, e2, e3], (i + 1) * count + j);
    }
    for (let row = i; row < Math.min(i + 2, count); row++) {
      for (let column = j; column <= row; column++) gram[row * count + column] = dotOf(values, row * size, column * size, size);
    }
  }
  return mirrored(gram, count);
}

function dotOf(values: Rows['values'], first: number, second: number, size: number): number {
  let dot = 0;
  for (let at = 0; at < size; at++) dot += values[first + at] * values[second + at];
  return dot;
}

/** A Bᵀ of rows of one size: a.count × b.count. */
export function products(a: Rows, b: Rows): Float64Array {
  const { size } = a;
  const result = new Float64Array(a.count * b.count);
  for (let i = 0; i < a.count; i++) {
    const first = i * size;
    const end = first + size;
    let j = 0;
    // Four sums at a time do not wait for each other, as one alone would at every addition.
    for (; j + 4 <= b.count; j += 4) {
      let b0 = j * size;
      let b1 = b0 + size;
      let b2 = b1 + size;
      let b3 = b2 + size;
      let d0 = 0;
      let d1 = 0;
      let d2 = 0;
      let d3 = 0;
      for (let x = first; x < end; x++) {
        const value = a.values[x];
        d0 += value * b.values[b0++];
        d1 += value * b.values[b1++];
        d2 += value * b.values[b2++];
        d3 += value * b.values[b3++];
      }
      const at = i * b.count + j;
      result[at] = d0;
      result[at + 1] = d1;
      result[at + 2] = d2;
      result[at + 3] = d3;
    }
    for (; j < b.count; j++) {
      let dot = 0;
      for (let x = first, y = j * size; x < end; x++, y++) dot += a.values[x] * b.values[y];
      result[i * b.count + j] = dot;
    }
  }
  return result;
}

/** Dot products of all pairs of columns, Aᵀ A: size × size, symmetric. */
export function gramOfColumns({ size, values }: Rows): Float64Array {
  const gram = new Float64Array(size * size);
  for (let row = 0; row < values.length; row += size) {
    for (let i = 0; i < size; i++) {
      const value = values[row + i];
      // Features after a ReLU are mostly zero.
      if (value === 0) continue;
      const at = i * size;
      for (let j = 0; j <= i; j++) gram[at + j] += value * values[row + j];
    }
  }
  return mirrored(gram, size);
}

function mirrored(lower: Float64Array, n: number): Float64Array {
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) lower[j * n + i] = lower[i * n + j];
  return lower;
}
