import { describe, expect, it } from 'vitest';
import { elbowOf } from './elbow.ts';

const curve = (...accuracies: number[]) => accuracies.map((accuracy, i) => ({ ratio: i / 10, accuracy }));

describe('elbowOf', () => {
  it('is the last point before the fall', () => {
    expect(elbowOf(curve(0.9, 0.89, 0.88, 0.4, 0.3, 0.2))).toBe(2);
  });

  it('is the start where accuracy falls at once', () => {
    expect(elbowOf(curve(0.9, 0.3, 0.2, 0.1))).toBe(0);
    expect(elbowOf(curve(0.9, 0.6, 0.3))).toBe(0);
  });

  it('is the end where it does not fall', () => {
    expect(elbowOf(curve(0.9, 0.92, 0.91))).toBe(2);
  });
});
