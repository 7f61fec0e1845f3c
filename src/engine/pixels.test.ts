import { describe, expect, it } from 'vitest';
import { createRandom } from '../core/random.ts';
import { augmenterOf } from './augment.ts';
import type { Source } from './pixels.ts';
import type { Recipe } from './types.ts';

const SIDE = 8;
const identity = Float32Array.from({ length: 768 }, (_, at) => at % 256);

function source(): Source {
  const random = createRandom(1);
  const pixels = Uint8Array.from({ length: 2 * SIDE * SIDE * 3 }, () => random.integer(256));
  return { pixels: pixels.subarray(SIDE * SIDE * 3), height: SIDE, width: SIDE, table: identity };
}

const still = { horizontalFlip: false, rotationDegrees: 0, shift: 0 };

function augmented(augmentation: Recipe['augmentation'], seed: number): Float32Array {
  const target = new Float32Array(SIDE * SIDE * 3 + 1);
  augmenterOf(augmentation, createRandom(seed))(source(), target, 1);
  return target.subarray(1);
}

const original = (): number[] => [...source().pixels];
const mirrored = (): number[] =>
  original().map((_, at, values) => {
    const x = Math.floor(at / 3) % SIDE;
    return values[at + (SIDE - 1 - 2 * x) * 3];
  });

describe('augmenterOf', () => {
  it('copies when nothing is asked for', () => {
    expect([...augmented(still, 1)]).toEqual(original());
  });

  it('mirrors about half of the images', () => {
    const flips = Array.from({ length: 40 }, (_, seed) => [...augmented({ ...still, horizontalFlip: true }, seed)]);
    for (const image of flips) expect([original(), mirrored()]).toContainEqual(image);
    const count = flips.filter((image) => image[0] === mirrored()[0]).length;
    expect(count).toBeGreaterThan(10);
    expect(count).toBeLessThan(30);
  });

  it('is a bilinear mean of neighbours when it shifts by a fraction', () => {
    // Every value of a ramp along x moves by the same amount, away from the edges.
    const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) => 10 * (Math.floor(at / 3) % SIDE));
    const target = new Float32Array(SIDE * SIDE * 3);
    const random = createRandom(4);
    augmenterOf({ ...still, shift: 0.2 }, random)({ ...source(), pixels }, target, 0);
    const expected = createRandom(4);
    expected.next();
    const right = (2 * expected.next() - 1) * 0.2 * SIDE;
    for (const x of [3, 4]) expect(target[x * 3]).toBeCloseTo(10 * (x - right), 4);
  });

  it('rotates about the centre', () => {
    const pixels = new Uint8Array(SIDE * SIDE * 3).fill(200);
    const target = new Float32Array(SIDE * SIDE * 3);
    augmenterOf({ ...still, rotationDegrees: 45 }, createRandom(2))({ ...source(), pixels }, target, 0);
    for (const value of target) expect(value).toBeCloseTo(200, 3);
    expect([...augmented({ ...still, rotationDegrees: 45 }, 2)]).not.toEqual(original());
  });

  it('crops: every part of a ramp is shown, enlarged', () => {
    const pixels = Uint8Array.from({ length: SIDE * SIDE * 3 }, (_, at) => 10 * (Math.floor(at / 3) % SIDE));
    const random = createRandom(4);
    const lefts = Array.from({ length: 50 }, () => {
      const target = new Float32Array(SIDE * SIDE * 3);
      augmenterOf({ ...still, crop: 0.25 }, random)({ ...source(), pixels }, target, 0);
      const step = (target[3 * 4] - target[3 * 3]) / 10;
      // Between half of the side and all of it.
      expect(step).toBeGreaterThan(0.499);
      expect(step).toBeLessThan(1.001);
      return target[0];
    });
    expect(Math.min(...lefts)).toBeLessThan(5);
    expect(Math.max(...lefts)).toBeGreaterThan(15);
  });

  it('erases a rectangle in its share of the images and leaves the rest as it is', () => {
    const white = { ...source(), pixels: new Uint8Array(SIDE * SIDE * 3).fill(255) };
    const random = createRandom(5);
    let erased = 0;
    for (let image = 0; image < 60; image++) {
      const target = new Float32Array(SIDE * SIDE * 3);
      augmenterOf({ ...still, erasing: 0.5 }, random)(white, target, 0);
      const places = [...target.keys()].filter((at) => target[at] === 0);
      expect(target.every((value) => value === 0 || value === 255)).toBe(true);
      if (places.length === 0) continue;
      erased++;
      const rows = new Set(places.map((at) => Math.floor(at / 3 / SIDE)));
      const columns = new Set(places.map((at) => Math.floor(at / 3) % SIDE));
      expect(places.length).toBe(3 * rows.size * columns.size);
      expect(places.length).toBeLessThan(0.5 * target.length);
    }
    expect(erased).toBeGreaterThan(18);
    expect(erased).toBeLessThan(42);
  });

  it('draws the same for the same seed', () => {
    const all = { horizontalFlip: true, rotationDegrees: 15, shift: 0.1 };
    expect(augmented(all, 3)).toEqual(augmented(all, 3));
    expect(augmented(all, 3)).not.toEqual(augmented(all, 4));
  });
});
