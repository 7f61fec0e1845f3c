import { describe, expect, it } from 'vitest';
import { createRandom, restoreRandom } from './random.ts';

describe('createRandom', () => {
  it('repeats for a seed, differs between seeds, and goes on from a saved state', () => {
    const random = createRandom(7);
    const first = Array.from({ length: 5 }, random.next);
    expect(Array.from({ length: 5 }, createRandom(7).next)).toEqual(first);
    expect(createRandom(8).next()).not.toBe(first[0]);
    expect(restoreRandom(random.state()).next()).toBe(random.next());
  });

  it('is uniform and normal to three standard errors', () => {
    const random = createRandom(1);
    const draws = 20_000;
    let sum = 0;
    let normalSum = 0;
    let normalSquares = 0;
    for (let i = 0; i < draws; i++) {
      sum += random.next();
      const z = random.normal();
      normalSum += z;
      normalSquares += z * z;
    }
    expect(Math.abs(sum / draws - 0.5)).toBeLessThan(3 * Math.sqrt(1 / 12 / draws));
    expect(Math.abs(normalSum / draws)).toBeLessThan(3 / Math.sqrt(draws));
    expect(Math.abs(normalSquares / draws - 1)).toBeLessThan(3 * Math.sqrt(2 / draws));
  });

  it('shuffles to a permutation', () => {
    expect([...createRandom(3).shuffle(Int32Array.from({ length: 50 }, (_, i) => i))].sort((a, b) => a - b)).toEqual(
      Array.from({ length: 50 }, (_, i) => i),
    );
  });
});
