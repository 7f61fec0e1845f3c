import { expect, it } from 'vitest';
import { createRandom } from '../core/random.ts';
import { difference, kernelsForTests, normals } from './testing.ts';

const step = { beta1: 0.9, beta2: 0.999, share1: 1 - 0.9, share2: 1 - 0.999, rate: 0.02, epsilon: 1e-6, decayRate: 0.1 };

it.each([
  [1, true],
  [3, false],
  [4, true],
  [9, false],
  [130, true],
])('makes a step of AdamW with %i values, decay %s', (count, decays) => {
  const random = createRandom(count);
  const [values, first, gradient, decay] = Array.from({ length: 4 }, () => normals(random, count));
  const second = normals(random, count).map((value) => value ** 2);
  const newFirst = first.map((value, i) => step.beta1 * value + step.share1 * gradient[i]);
  const newSecond = second.map((value, i) => step.beta2 * value + step.share2 * gradient[i] ** 2);
  const newValues = values.map((value, i) => {
    const kept = decays ? value - value * decay[i] * step.decayRate : value;
    return kept - (step.rate * newFirst[i]) / (Math.sqrt(newSecond[i]) + step.epsilon);
  });

  const { kernels, place, view, guarded } = kernelsForTests();
  const expected = { newValues, newFirst, newSecond };
  const placed = { values: place(values), first: place(first), second: place(second), gradient: place(gradient) };
  const result = (): number => place(new Float32Array(count).fill(Number.NaN));
  const results = { newValues: result(), newFirst: result(), newSecond: result() };
  kernels.adamw({ ...step, ...placed, ...results, count, decay: decays ? place(decay) : 0 });
  for (const name of ['newValues', 'newFirst', 'newSecond'] as const) {
    expect(difference(view(results[name], count), expected[name]), name).toBeLessThan(3e-6);
  }
  expect(guarded()).toBe(true);
});
