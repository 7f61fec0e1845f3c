import { epsilonOf, type LinearAlgebra, type LinearSolution, type SymmetricEigen } from '../core/linear/algebra.ts';
import type { Rows } from '../core/linear/gram.ts';

type Values = Float32Array | Float64Array;

/** What one op of TensorFlow is called with. */
interface Attribute {
  readonly name: string;
  readonly type: number;
  readonly value: boolean | number;
}

/** A tensor inside TensorFlow, of any type: tfjs itself knows no float64. */
interface Handle {
  readonly id: number;
}

/** The parts of tfjs-node's addon that hold tensors and run ops by number, beneath tfjs's own tensors. */
export interface TensorflowBinding {
  readonly TF_FLOAT: number;
  readonly TF_INT32: number;
  readonly TF_ATTR_TYPE: number;
  readonly TF_ATTR_BOOL: number;
  createTensor(shape: readonly number[], type: number, values: Float32Array | Int32Array): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): Float32Array | Int32Array;
  executeOp(name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs: number): Handle[];
}

/** TensorFlow's number for float64 (tensorflow/core/framework/types.proto). */
const DOUBLE = 2;
/** Multiplications below which a call into TensorFlow and the copies of its operands cost more than they save. */
const WORTH_A_CALL = 20_000;

/**
 * Dense linear algebra by TensorFlow's own ops: MatMul, SelfAdjointEigV2, Cholesky, MatrixTriangularSolve, in float64 where the values
 * are, as two int32 words a number on the way in and out; in float32 otherwise. Small operands stay with `small`.
 */
export function tensorflowAlgebra(binding: TensorflowBinding, small: LinearAlgebra): LinearAlgebra {
  const type = (name: string, value: number): Attribute => ({ name, type: binding.TF_ATTR_TYPE, value });
  const bool = (name: string, value: boolean): Attribute => ({ name, type: binding.TF_ATTR_BOOL, value });
  const typeOf = (values: Values): number => (values instanceof Float32Array ? binding.TF_FLOAT : DOUBLE);

  /** Runs `use` with a way to upload values and to call ops; every tensor is released afterwards. */
  const inside = <T>(use: (call: Calls) => T): T => {
    const held: number[] = [];
    const hold = (id: number): number => {
      held.push(id);
      return id;
    };
    const run: Calls['run'] = (name, attributes, inputs, outputs = 1) =>
      binding.executeOp(name, attributes, inputs, outputs).map(({ id }) => hold(id));
    try {
      return use({
        run,
        upload(values, shape) {
          if (values instanceof Float32Array) return hold(binding.createTensor(shape, binding.TF_FLOAT, values));
          const words = new Int32Array(values.buffer, values.byteOffset, 2 * values.length);
          const id = hold(binding.createTensor([...shape, 2], binding.TF_INT32, words));
          return run('Bitcast', [type('T', binding.TF_INT32), type('type', DOUBLE)], [id])[0];
        },
        download(id, single) {
          if (single) return new Float64Array(binding.tensorDataSync(id));
          const [words] = run('Bitcast', [type('T', DOUBLE), type('type', binding.TF_INT32)], [id]);
          const { buffer, byteOffset, length } = binding.tensorDataSync(words);
          return new Float64Array(buffer.slice(byteOffset, byteOffset + 4 * length));
        },
      });
    } finally {
      for (const id of held) binding.deleteTensor(id);
    }
  };

  /** Aᵀ or A times B or Bᵀ. */
  const multiply = (a: Rows, b: Rows, transposeA: boolean): Float64Array =>
    inside(({ upload, run, download }) => {
      const [first, second] = sameType(a.values, b.values);
      const left = upload(first, [a.count, a.size]);
      const right = a === b ? left : upload(second, [b.count, b.size]);
      const attributes = [type('T', typeOf(first)), bool('transpose_a', transposeA), bool('transpose_b', !transposeA)];
      return download(run('MatMul', attributes, [left, right])[0], first instanceof Float32Array);
    });

  return {
    gramOfRows: (rows) => (rows.count ** 2 * rows.size < WORTH_A_CALL ? small.gramOfRows(rows) : multiply(rows, rows, false)),
    gramOfColumns: (rows) => (rows.size ** 2 * rows.count < WORTH_A_CALL ? small.gramOfColumns(rows) : multiply(rows, rows, true)),
    products: (a, b) => (a.count * b.count * a.size < WORTH_A_CALL ? small.products(a, b) : multiply(a, b, false)),
    eigen(matrix, n): SymmetricEigen {
      if (n ** 3 < WORTH_A_CALL) return small.eigen(matrix, n);
      return inside(({ upload, run, download }) => {
        const single = matrix instanceof Float32Array;
        const attributes = [type('T', typeOf(matrix)), bool('compute_v', true)];
        const [values, vectors] = run('SelfAdjointEigV2', attributes, [upload(matrix, [n, n])], 2);
        return { ...descending(download(values, single), download(vectors, single)), epsilon: epsilonOf(matrix) };
      });
    },
    solve(matrix, n, right, columns): LinearSolution {
      if (n ** 2 * (n + columns) < WORTH_A_CALL) return small.solve(matrix, n, right, columns);
      return inside(({ upload, run, download }) => {
        const T = type('T', DOUBLE);
        const [lower] = run('Cholesky', [T], [upload(matrix, [n, n])]);
        const substitute = (id: number, adjoint: boolean): number =>
          run('MatrixTriangularSolve', [T, bool('lower', true), bool('adjoint', adjoint)], [lower, id])[0];
        const solution = substitute(substitute(upload(right, [n, columns]), false), true);
        const [diagonal] = run('MatrixDiagPart', [T], [lower]);
        const logDeterminant = download(diagonal, false).reduce((sum, value) => sum + 2 * Math.log(value), 0);
        // TensorFlow's Cholesky says by NaN that it cannot.
        if (!Number.isFinite(logDeterminant)) throw new Error('The matrix is not positive definite.');
        return { solution: download(solution, false), logDeterminant };
      });
    },
  };
}

interface Calls {
  upload(values: Values, shape: readonly number[]): number;
  run(name: string, attributes: readonly Attribute[], inputs: readonly number[], outputs?: number): number[];
  download(id: number, single: boolean): Float64Array;
}

/** Both in float32 only where both are. */
function sameType(a: Values, b: Values): [Values, Values] {
  if (a instanceof Float32Array === b instanceof Float32Array) return [a, b];
  return [new Float64Array(a), new Float64Array(b)];
}

/** From ascending values with vectors as columns to descending ones with vectors as rows. */
function descending(ascending: Float64Array, columns: Float64Array): { values: Float64Array; vectors: Float64Array } {
  const n = ascending.length;
  const vectors = new Float64Array(n * n);
  for (let row = 0; row < n; row++) for (let k = 0; k < n; k++) vectors[(n - 1 - k) * n + row] = columns[row * n + k];
  return { values: ascending.toReversed(), vectors };
}
