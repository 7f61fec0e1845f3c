import type { Features } from '../features.ts';

export interface GoldenCase {
  readonly features: Features;
  readonly labels: Int32Array;
  /** Row softmax of the features, as if they were the logits of a source head. */
  readonly source: Float64Array;
}

/** f_ij = sin(1 + 0.7(i+1)(j+2)) + 0.8·[j mod 3 = y_i], y_i = i mod 3. */
export function goldenCase(count: number, dimensions: number): GoldenCase {
  const labels = Int32Array.from({ length: count }, (_, i) => i % 3);
  const values = new Float64Array(count * dimensions);
  const source = new Float64Array(count * dimensions);
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let j = 0; j < dimensions; j++) {
      const value = Math.sin(1 + 0.7 * (i + 1) * (j + 2)) + (j % 3 === labels[i] ? 0.8 : 0);
      values[i * dimensions + j] = value;
      sum += source[i * dimensions + j] = Math.exp(value);
    }
    for (let j = 0; j < dimensions; j++) source[i * dimensions + j] /= sum;
  }
  return { features: { dimensions, values }, labels, source };
}
