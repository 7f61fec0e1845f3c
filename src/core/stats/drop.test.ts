import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { dropBound, leastCertifiableDrop } from './drop.ts';

describe('dropBound', () => {
  it('is 1 − 0.05^(1/n) when nothing is lost', () => {
    expect(dropBound(0, 0, 200)).toBeCloseTo(1 - 0.05 ** (1 / 200), 10);
    expect(leastCertifiableDrop(200)).toBeCloseTo(0.01487, 5);
  });

  it('is the Clopper–Pearson limit when nothing is gained', () => {
    // 95 % one-sided limit of 5 in 100, from tables: 0.10225.
    expect(dropBound(5, 0, 100)).toBeCloseTo(0.10225, 4);
    expect(dropBound(100, 0, 100)).toBe(1);
  });

  it('falls with what is gained and with more images', () => {
    expect(dropBound(10, 10, 1000)).toBeLessThan(dropBound(10, 0, 1000));
    expect(dropBound(10, 10, 1000)).toBeGreaterThan(0);
    expect(dropBound(100, 100, 10_000)).toBeLessThan(dropBound(10, 10, 1000));
    expect(dropBound(0, 50, 1000)).toBeLessThan(0);
  });

  it.each([
    [0.02, 0.0, 300],
    [0.05, 0.03, 300],
    [0.1, 0.1, 1000],
    [0.3, 0.2, 500],
    [0.004, 0.002, 1000],
  ])('holds in 95 of 100 sets: lost %s, gained %s, %s images', (lostShare, gainedShare, images) => {
    const random = createRandom(11);
    const runs = 2000;
    let held = 0;
    for (let run = 0; run < runs; run++) {
      let [lost, gained] = [0, 0];
      for (let image = 0; image < images; image++) {
        const drawn = random.next();
        if (drawn < lostShare) lost++;
        else if (drawn < lostShare + gainedShare) gained++;
      }
      if (dropBound(lost, gained, images) >= lostShare - gainedShare) held++;
    }
    // Three standard errors of 95 % over 2,000 sets are 1.5 points.
    expect(held / runs).toBeGreaterThan(0.935);
  });
});
