/**
 * Solves M x = b for a symmetric positive definite n × n matrix by Cholesky, L Lᵀ = M (Golub & Van Loan, ch. 4). In core because
 * a ranking is calibrated by regression on eight predictors where no engine is open.
 *
 * @throws Error where the matrix is not positive definite
 */
export function solvePositive(matrix: Float64Array, right: Float64Array): Float64Array {
  const n = right.length;
  const lower = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = matrix[i * n + j];
      for (let k = 0; k < j; k++) rest -= lower[i * n + k] * lower[j * n + k];
      if (i > j) lower[i * n + j] = rest / lower[j * n + j];
      else if (rest > 0) lower[i * n + i] = Math.sqrt(rest);
      else throw new Error(`The matrix is not positive definite: pivot ${i} is ${rest}.`);
    }
  }
  const solution = right.slice();
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) solution[i] -= lower[i * n + k] * solution[k];
    solution[i] /= lower[i * n + i];
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) solution[i] -= lower[k * n + i] * solution[k];
    solution[i] /= lower[i * n + i];
  }
  return solution;
}
