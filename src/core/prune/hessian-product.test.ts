import { describe, expect, it } from 'vitest';
import * as make from '../network/testing.ts';
import { hessianProduct } from './hessian-product.ts';

describe('hessianProduct', () => {
  const network = make.withRandomWeights([make.input([1, 1, 2]), make.flatten('flat', 'input'), make.dense('d', 'flat', 1)]);
  const [a, b] = network.weights.get('d/kernel')?.data ?? [];

  it('is the Hessian times the vector', async () => {
    // L = a²·b + b³: ∇L = (2ab, a² + 3b²), H = [[2b, 2a], [2a, 6b]].
    const gradientAt = async ({ weights }: typeof network) => {
      const [x, y] = weights.get('d/kernel')?.data ?? [];
      return new Map([['d/kernel', Float32Array.from([2 * x * y, x * x + 3 * y * y])]]);
    };
    const gradient = await gradientAt(network);
    const [g, h] = gradient.get('d/kernel') ?? [];
    const product = (await hessianProduct(network, gradient, gradientAt)).get('d/kernel') ?? [];
    expect(product[0]).toBeCloseTo(2 * b * g + 2 * a * h, 3);
    expect(product[1]).toBeCloseTo(2 * a * g + 6 * b * h, 3);
  });

  it('is zero where the gradient is', async () => {
    const zero = new Map([['d/kernel', new Float32Array(2)]]);
    expect(await hessianProduct(network, zero, async () => zero)).toEqual(zero);
  });
});
