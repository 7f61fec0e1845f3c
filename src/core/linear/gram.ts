/** Rows of values: count × size, row-major. */
export interface Rows {
  readonly count: number;
  readonly size: number;
  readonly values: Float32Array | Float64Array;
}

/** Dot products of all pairs of rows, A Aᵀ: count × count, symmetric. */
export function gramOfRows({ count, size, values }: Rows): Float64Array {
  const gram = new Float64Array(count * count);
  for (let i = 0; i < count; i++) {
    const first = i * size;
    const end = first + size;
    let j = 0;
    // Four sums at a time do not wait for each other, as one alone would at every addition.
    for (; j + 4 <= i; j += 4) {
      let b0 = j * size;
      let b1 = b0 + size;
      let b2 = b1 + size;
      let b3 = b2 + size;
      let d0 = 0;
      let d1 = 0;
      let d2 = 0;
      let d3 = 0;
      for (let a = first; a < end; a++) {
        const value = values[a];
        d0 += value * values[b0++];
        d1 += value * values[b1++];
        d2 += value * values[b2++];
        d3 += value * values[b3++];
      }
      const at = i * count + j;
      gram[at] = d0;
      gram[at + 1] = d1;
      gram[at + 2] = d2;
      gram[at + 3] = d3;
    }
    for (; j <= i; j++) {
      let dot = 0;
      for (let a = first, b = j * size; a < end; a++, b++) dot += values[a] * values[b];
      gram[i * count + j] = dot;
    }
  }
  return mirrored(gram, count);
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
