import type { Rows } from './gram.ts';

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
 * The dense linear algebra that scores need: an engine gives it, by its backend's own ops or a library's. It may compute in
 * float32 where the values that it is given are float32.
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

/** Relative rounding of the numbers that an array holds. */
export function epsilonOf(values: Float64Array | Float32Array): number {
  return values instanceof Float32Array ? 2 ** -23 : Number.EPSILON;
}
