import { epsilonOf, type LinearAlgebra, type LinearSolution, type SymmetricEigen } from '../algebra.ts';
import { solvePositive } from '../cholesky.ts';
import { gramOfColumns, gramOfRows, products } from '../gram.ts';

/** Sweeps after which rotations of a symmetric matrix have long converged. */
const SWEEPS_MAX = 60;

/** Float64 arithmetic as plain as can be: what the algebra of every engine is tested against. */
export const referenceAlgebra: LinearAlgebra = { gramOfRows, gramOfColumns, products, eigen, solve };

/** Jacobi's rotations (Golub & Van Loan, ch. 8.5), cyclic by row. */
function eigen(matrix: Float64Array | Float32Array, n: number): SymmetricEigen {
  const a = Float64Array.from(matrix);
  const vectors = new Float64Array(n * n);
  for (let i = 0; i < n; i++) vectors[i * n + i] = 1;
  const negligible = Number.EPSILON * Math.hypot(...a);
  for (let sweep = 0; sweep < SWEEPS_MAX; sweep++) {
    let rotations = 0;
    for (let p = 0; p < n; p++) {
      for (let q = p + 1; q < n; q++) {
        if (Math.abs(a[p * n + q]) <= negligible / n) continue;
        rotations++;
        const half = (a[q * n + q] - a[p * n + p]) / (2 * a[p * n + q]);
        const tangent = (half < 0 ? -1 : 1) / (Math.abs(half) + Math.hypot(half, 1));
        const cosine = 1 / Math.hypot(tangent, 1);
        const sine = tangent * cosine;
        rotate(a, p * n, q * n, 1, { n, cosine, sine });
        rotate(a, p, q, n, { n, cosine, sine });
        rotate(vectors, p * n, q * n, 1, { n, cosine, sine });
      }
    }
    if (rotations === 0) break;
  }
  const order = Array.from({ length: n }, (_, i) => i).sort((i, j) => a[j * n + j] - a[i * n + i]);
  const sorted = new Float64Array(n * n);
  order.forEach((from, to) => sorted.set(vectors.subarray(from * n, (from + 1) * n), to * n));
  return { values: Float64Array.from(order, (i) => a[i * n + i]), vectors: sorted, epsilon: epsilonOf(matrix) };
}

interface Rotation {
  readonly n: number;
  readonly cosine: number;
  readonly sine: number;
}

function rotate(values: Float64Array, first: number, second: number, stride: number, { n, cosine, sine }: Rotation): void {
  for (let k = 0; k < n; k++) {
    const [x, y] = [values[first + k * stride], values[second + k * stride]];
    values[first + k * stride] = cosine * x - sine * y;
    values[second + k * stride] = sine * x + cosine * y;
  }
}

function solve(matrix: Float64Array, n: number, right: Float64Array, columns: number): LinearSolution {
  const solution = new Float64Array(n * columns);
  for (let c = 0; c < columns; c++) {
    solvePositive(
      matrix,
      Float64Array.from({ length: n }, (_, i) => right[i * columns + c]),
    ).forEach((value, i) => (solution[i * columns + c] = value));
  }
  return { solution, logDeterminant: eigen(matrix, n).values.reduce((sum, value) => sum + Math.log(value), 0) };
}
