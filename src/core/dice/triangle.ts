/** Pairs of `count` rows: values that a triangle without the diagonal holds. */
export function pairsOf(count: number): number {
  return (count * (count - 1)) / 2;
}

/** Where the triangles of matrices lie that are stored one after the other: the first value of each, and how many it has. */
export function placesOfTriangles(counts: readonly number[]): { readonly from: number; readonly length: number }[] {
  let next = 0;
  return counts.map((count) => {
    const place = { from: next, length: pairsOf(count) };
    next += place.length;
    return place;
  });
}

/**
 * The rows below the diagonal of a similarity matrix one after the other: what is worth keeping of it.
 *
 * @param similarity count × count, symmetric
 * @returns count · (count − 1) / 2 values
 */
export function packTriangle(similarity: Float64Array, count: number): Float64Array {
  const packed = new Float64Array(pairsOf(count));
  for (let i = 1; i < count; i++) packed.set(similarity.subarray(i * count, i * count + i), pairsOf(i));
  return packed;
}

/**
 * The whole matrix again, rows and columns in the given order, ones on the diagonal.
 *
 * @param packed from {@link packTriangle}
 * @param order which kernel each row is of
 */
export function unpackTriangle(packed: Float32Array | Float64Array, order: ArrayLike<number>): Float32Array<ArrayBuffer> {
  const count = order.length;
  const similarity = new Float32Array(count * count).fill(1);
  for (let row = 1; row < count; row++) {
    for (let column = 0; column < row; column++) {
      const [low, high] = order[row] < order[column] ? [order[row], order[column]] : [order[column], order[row]];
      const value = packed[pairsOf(high) + low];
      similarity[row * count + column] = value;
      similarity[column * count + row] = value;
    }
  }
  return similarity;
}
