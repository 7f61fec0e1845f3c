import { gramOfColumns, gramOfRows, type Rows } from './gram.ts';
import { symmetricEigen } from './symmetric.ts';

export interface SymmetricEigen {
  /** Descending. */
  readonly values: Float64Array;
  /** n × n: row k is the unit eigenvector of values[k]. */
  readonly vectors: Float64Array;
  /** Relative rounding of the arithmetic that was used: values below n · epsilon of the largest are rounding. */
  readonly epsilon: number;
}

export interface LinearSolution {
  /** n × columns. */
  readonly solution: Float64Array;
  readonly logDeterminant: number;
}

/**
 * The dense linear algebra that scores need. {@link coreAlgebra} is the plain float64 reference; an engine may offer a
 * faster twin, which may compute in float32 where the values that it is given are float32.
 */
export interface LinearAlgebra {
  /** A Aᵀ: count × count. */
  gramOfRows(rows: Rows): Float64Array;
  /** Aᵀ A: size × size. */
  gramOfColumns(rows: Rows): Float64Array;
  /** A Bᵀ of rows of one size: a.count × b.count. */
  products(a: Rows, b: Rows): Float64Array;
  /** All eigenvalues and eigenvectors of a symmetric n × n matrix; in float32 where its values are. */
  eigen(matrix: Float64Array | Float32Array, n: number): SymmetricEigen;
  /** Solves M X = B for a symmetric positive definite n × n matrix by Cholesky; `right` is n × columns. */
  solve(matrix: Float64Array, n: number, right: Float64Array, columns: number): LinearSolution;
}

/** Plain float64 arithmetic: what any other implementation is tested against. */
export const coreAlgebra: LinearAlgebra = { gramOfRows, gramOfColumns, products, eigen, solve };

function products(a: Rows, b: Rows): Float64Array {
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

function eigen(matrix: Float64Array | Float32Array, n: number): SymmetricEigen {
  return { ...symmetricEigen(new Float64Array(matrix), n), epsilon: epsilonOf(matrix) };
}

/** Relative rounding of the numbers that an array holds. */
export function epsilonOf(values: Float64Array | Float32Array): number {
  return values instanceof Float32Array ? 2 ** -23 : Number.EPSILON;
}

/** Cholesky L Lᵀ = M (Golub & Van Loan, ch. 4), then L Z = B and Lᵀ X = Z. */
function solve(matrix: Float64Array, n: number, right: Float64Array, columns: number): LinearSolution {
  const lower = new Float64Array(n * n);
  let logDeterminant = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * n + j];
      for (let k = 0; k < j; k++) rest -= lower[i * n + k] * lower[j * n + k];
      if (i > j) lower[i * n + j] = rest / lower[j * n + j];
      else if (rest > 0) lower[i * n + i] = Math.sqrt(rest);
      else throw new Error(`The matrix is not positive definite: pivot ${i} is ${rest}.`);
    }
    logDeterminant += 2 * Math.log(lower[i * n + i]);
  }
  const solution = new Float64Array(right);
  const substitute = (i: number, from: number, to: number, factor: (k: number) => number): void => {
    for (let k = from; k < to; k++) {
      const weight = factor(k);
      if (weight !== 0) for (let c = 0; c < columns; c++) solution[i * columns + c] -= weight * solution[k * columns + c];
    }
    for (let c = 0; c < columns; c++) solution[i * columns + c] /= lower[i * n + i];
  };
  for (let i = 0; i < n; i++) substitute(i, 0, i, (k) => lower[i * n + k]);
  for (let i = n - 1; i >= 0; i--) substitute(i, i + 1, n, (k) => lower[k * n + i]);
  return { solution, logDeterminant };
}
