import { describe, expect, it } from 'vitest';
import { curveSvg } from './card.ts';

const step = { flops: 1, drop: null, dropBound: null, latencyMs: null };

describe('curveSvg', () => {
  it('draws measured accuracies in the order of their ratios', () => {
    const accuracy = (value: number) => ({ value, low: value - 0.1, high: value + 0.1 });
    const svg = curveSvg([
      { ...step, ratio: 1, accuracy: accuracy(0) },
      { ...step, ratio: 0.5, accuracy: accuracy(0.5) },
      { ...step, ratio: 0, accuracy: accuracy(1) },
    ]);
    expect(svg).toContain('points="40.0,40.0 240.0,140.0 440.0,240.0"');
    expect(svg).toContain('M240.0 160.0V120.0');
  });

  it('draws nothing where nothing was measured', () => {
    expect(curveSvg(undefined)).toBeUndefined();
    expect(curveSvg([{ ...step, ratio: 0.5, accuracy: null, latencyMs: 2 }])).toBeUndefined();
  });
});
