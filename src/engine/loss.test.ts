import { beforeAll, describe, expect, it } from 'vitest';
import { createRandom } from '../core/random.ts';
import { loadBackend } from './backend.ts';
import type { Backend } from './backend.ts';
import { balancedWeights, crossEntropy, distilled, mixed, mixingShare } from './loss.ts';
import type { Loss } from './loss.ts';
import { distance } from './testing/fixtures.ts';
import { tf } from './tf.ts';

let backend: Backend;
beforeAll(async () => {
  backend = await loadBackend('cpu', 1);
});

const logits = [0.3, -1.2, 0.8, 2, 0.1, -0.4];
const count = 2;
const classes = 3;
const targets = (): ReturnType<typeof tf.tensor2d> => tf.tensor2d([0.1, 0.1, 0.8, 1, 0, 0], [count, classes]);

function both(loss: () => Loss, at: readonly number[]): { sum: number; gradient: number[] } {
  return tf.tidy(() => {
    const { lossSum, gradient } = loss()(tf.tensor2d([...at], [count, classes]));
    return { sum: lossSum.dataSync()[0], gradient: [...gradient.dataSync()] };
  });
}

/** The gradient is the slope of the mean. */
function expectSlopes(loss: () => Loss): void {
  const { gradient } = both(loss, logits);
  const step = 1e-2;
  const slopes = logits.map((value, at) => {
    const [up, down] = [step, -step].map((by) => both(loss, logits.with(at, value + by)).sum / count);
    return (up - down) / (2 * step);
  });
  expect(distance(gradient, slopes)).toBeLessThan(1e-3);
}

describe('losses', () => {
  const weighted = (): Loss => crossEntropy(backend.primitives, { targets: targets(), weights: tf.tensor1d([0.5, 3]) });

  it('cross-entropy takes class shares and weights', () => {
    const normaliser = Math.log(logits.slice(3).reduce((sum, value) => sum + Math.exp(value), 0));
    const alone = (): Loss => crossEntropy(backend.primitives, { targets: targets(), weights: tf.tensor1d([0, 3]) });
    expect(both(alone, logits).sum).toBeCloseTo(3 * (normaliser - 2), 5);
    expectSlopes(weighted);
  });

  it('distillation has the slopes of its loss and none where the student answers as the teacher does', () => {
    const teacher = (): ReturnType<typeof tf.tensor2d> => tf.tensor2d([1, 0, -1, 0.5, 0.5, 2], [count, classes]);
    expectSlopes(() => distilled(backend.primitives, weighted(), teacher(), { temperature: 3, share: 0.7 }));
    const same = (): Loss => distilled(backend.primitives, weighted(), tf.tensor2d(logits, [count, classes]), { temperature: 4, share: 1 });
    expect(Math.max(...both(same, logits).gradient.map(Math.abs))).toBeLessThan(1e-6);
  });
});

describe('mixup', () => {
  it('mixes an image, its target and its weight with those from the other end', () => {
    const batch = tf.tidy(() => {
      const { x, targets: mixedTargets, weights } = mixed({ x: tf.tensor1d([0, 10, 20]), targets: tf.tensor2d([[1, 0], [0, 1], [0, 1]]), weights: tf.tensor1d([1, 2, 3]) }, 0.75); // prettier-ignore
      return [x, mixedTargets, weights].map((tensor) => [...(tensor?.dataSync() ?? [])]);
    });
    expect(batch).toEqual([
      [5, 10, 15],
      [0.75, 0.25, 0, 1, 0.25, 0.75],
      [1.5, 2, 2.5],
    ]);
  });

  it.each([0.2, 1])('draws from Beta(%f, same): its mean and variance', (alpha) => {
    const random = createRandom(3);
    const draws = Array.from({ length: 4000 }, () => mixingShare(alpha, random));
    const mean = draws.reduce((sum, value) => sum + value, 0) / draws.length;
    const variance = draws.reduce((sum, value) => sum + (value - mean) ** 2, 0) / draws.length;
    expect(mean).toBeCloseTo(0.5, 1);
    expect(Math.abs(variance - 1 / (4 * (2 * alpha + 1)))).toBeLessThan(0.01);
  });
});

it('balances classes: 1 on average, rarer is heavier, an absent one harmless', () => {
  expect([...balancedWeights(Int32Array.of(0, 0, 0, 1), 3)]).toEqual([
    expect.closeTo(4 / 9, 6),
    expect.closeTo(4 / 3, 6),
    expect.closeTo(4 / 3, 6),
  ]);
});
