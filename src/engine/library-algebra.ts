import { CholeskyDecomposition, EigenvalueDecomposition, Matrix } from 'ml-matrix';
import { epsilonOf, type LinearAlgebra, type LinearSolution, type SymmetricEigen } from '../core/linear/algebra.ts';
import { gramOfColumns, gramOfRows, products, type Rows } from '../core/linear/gram.ts';
import { tf } from './tf.ts';

/** Multiplications below which the copies into a tensor and out of it cost more than they save. */
const WORTH_A_CALL = 20_000;

/**
 * Dense linear algebra of the backends that have none: decompositions by ml-matrix, in float64. Products are core's own loops, since
 * ml-matrix keeps rows apart and takes 2.3 times as long for them.
 */
export const libraryAlgebra: LinearAlgebra = { gramOfRows, gramOfColumns, products, eigen, solve };

/** The same with tfjs-wasm's product of matrices where the values are float32: some 18 times as fast as a loop. */
export const wasmAlgebra: LinearAlgebra = {
  ...libraryAlgebra,
  gramOfRows: (rows) => (isSingle(rows) && isWorthACall(rows, rows.count) ? multiply(rows, rows, false) : gramOfRows(rows)),
  gramOfColumns: (rows) => (isSingle(rows) && isWorthACall(rows, rows.size) ? multiply(rows, rows, true) : gramOfColumns(rows)),
  products: (a, b) => (isSingle(a) && isSingle(b) && isWorthACall(a, b.count) ? multiply(a, b, false) : products(a, b)),
};

type SingleRows = Rows & { readonly values: Float32Array };

const isSingle = (rows: Rows): rows is SingleRows => rows.values instanceof Float32Array;
const isWorthACall = ({ values }: SingleRows, columns: number): boolean => values.length * columns >= WORTH_A_CALL;

/** A Bᵀ, or Aᵀ B. The transpose is made first: tfjs-wasm's own transposing product is 30 times slower. */
function multiply(a: SingleRows, b: SingleRows, transposeA: boolean): Float64Array {
  const product = tf.tidy(() => {
    const left = tf.tensor2d(a.values, [a.count, a.size]);
    const right = a === b ? left : tf.tensor2d(b.values, [b.count, b.size]);
    return transposeA ? tf.matMul(tf.transpose(left), right) : tf.matMul(left, tf.transpose(right));
  });
  try {
    return Float64Array.from(product.dataSync());
  } finally {
    product.dispose();
  }
}

function eigen(matrix: Float64Array | Float32Array, n: number): SymmetricEigen {
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(Matrix.from1DArray(n, n, Float64Array.from(matrix)), {
    assumeSymmetric: true,
  });
  // Ascending, with vectors as columns.
  const vectors = new Float64Array(n * n);
  for (let k = 0; k < n; k++) for (let i = 0; i < n; i++) vectors[(n - 1 - k) * n + i] = eigenvectorMatrix.get(i, k);
  return { values: Float64Array.from(realEigenvalues).reverse(), vectors, epsilon: epsilonOf(matrix) };
}

function solve(matrix: Float64Array, n: number, right: Float64Array, columns: number): LinearSolution {
  const symmetric = Matrix.from1DArray(n, n, matrix);
  // A backend's product of a matrix with itself may differ from its transpose by rounding, which ml-matrix refuses.
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) symmetric.set(j, i, matrix[i * n + j]);
  const decomposition = new CholeskyDecomposition(symmetric);
  if (!decomposition.isPositiveDefinite()) throw new Error('The matrix is not positive definite.');
  const { lowerTriangularMatrix } = decomposition;
  return {
    solution: Float64Array.from(decomposition.solve(Matrix.from1DArray(n, columns, right)).to1DArray()),
    logDeterminant: lowerTriangularMatrix.diagonal().reduce((sum, value) => sum + 2 * Math.log(value), 0),
  };
}
