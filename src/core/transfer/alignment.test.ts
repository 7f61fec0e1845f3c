import { describe, expect, it } from 'vitest';
import type { SampledActivations } from '../dice/index.ts';
import { withRandomWeights } from '../network/testing.ts';
import type { Node, Tensor } from '../network/index.ts';
import { createRandom } from '../random.ts';
import { channelQuantiles } from '../stats/channel-quantiles.ts';
import { alignment } from './alignment.ts';
import { normalQuantile } from './normal.ts';

const window = { kernelSize: [3, 3], strides: [1, 1], padding: 'same', dilationRate: [1, 1], groups: 1, useBias: false } as const;
const nodes: readonly Node[] = [
  { id: 'in', kind: 'Input', config: { shape: [8, 8, 3] }, inputs: [] },
  { id: 'c1', kind: 'Conv2D', config: { filters: 4, ...window }, inputs: ['in'] },
  { id: 'n1', kind: 'BatchNormalization', config: { epsilon: 1e-3, momentum: 0.9 }, inputs: ['c1'] },
  { id: 'r1', kind: 'ReLU', config: { maxValue: null }, inputs: ['n1'] },
  { id: 'c2', kind: 'Conv2D', config: { filters: 6, ...window }, inputs: ['r1'] },
  { id: 'pool', kind: 'GlobalAveragePooling2D', config: {}, inputs: ['c2'] },
  { id: 'd', kind: 'Dense', config: { units: 3, useBias: true }, inputs: ['pool'] },
];
const network = withRandomWeights(nodes);
const SAMPLES = 2000;

/** Normal activations with a mean of their own in each channel, after a ReLU where they are non-negative. */
function sample(channels: number, nonNegative: boolean, { seed, mean = 0.5 }: { seed: number; mean?: number }): SampledActivations {
  const random = createRandom(seed);
  const values = Float32Array.from({ length: channels * SAMPLES }, () => mean + random.normal());
  return { channels, samples: SAMPLES, nonNegative, values: nonNegative ? values.map((value) => Math.max(0, value)) : values };
}

const quantilesOf = (of: ReadonlyMap<string, SampledActivations>): Map<string, Tensor> =>
  new Map(Array.from(of, ([layer, { values, channels }]) => [layer, channelQuantiles(values, channels)]));

describe('alignment', () => {
  it('is one for the source itself, near one for another sample of it, less elsewhere', () => {
    const source = new Map([
      ['c1', sample(4, true, { seed: 1 })],
      ['c2', sample(6, false, { seed: 2 })],
    ]);
    const quantiles = quantilesOf(source);
    const same = alignment(network, source, quantiles);
    expect(same).toMatchObject({ value: expect.closeTo(1, 6), from: 'source quantiles', skipped: 0 });
    expect(same?.layers.map(({ layer, channels }) => [layer, channels])).toEqual([
      ['c1', 4],
      ['c2', 6],
    ]);
    const again = alignment(network, new Map([['c1', sample(4, true, { seed: 3 })]]), quantiles);
    expect(again?.value).toBeGreaterThan(0.93);
    const elsewhere = alignment(network, new Map([['c1', sample(4, true, { seed: 3, mean: -1.5 })]]), quantiles);
    expect(elsewhere?.value).toBeLessThan((again?.value ?? 0) - 0.2);
  });

  it('takes the moving statistics through BatchNormalization and activation where no quantiles were kept', () => {
    const weights = new Map(network.weights);
    const set = (name: string, data: number[]): unknown => weights.set(`n1/${name}`, { shape: [4], data: Float32Array.from(data) });
    set('moving_mean', [3, -2, 0, 9]);
    set('moving_variance', [4, 1, 0.25, 2]);
    set('gamma', [1, -1, 0.5, 2]);
    set('beta', [0.5, 0.25, 0.125, 1]);
    // What the normalised activations would be if the source's were normal.
    const random = createRandom(4);
    const values = new Float32Array(4 * SAMPLES);
    for (let s = 0; s < SAMPLES; s++) {
      [1, -1, 0.5, 2].forEach((gamma, c) => (values[c * SAMPLES + s] = Math.max(0, [0.5, 0.25, 0.125, 1][c] + gamma * random.normal())));
    }
    const target = new Map([
      ['c1', { channels: 4, samples: SAMPLES, nonNegative: true, values }],
      ['c2', sample(6, false, { seed: 2 })],
    ]);
    const found = alignment({ ...network, weights }, target);
    expect(found).toMatchObject({ from: 'batch normalisation', skipped: 1 });
    expect(found?.layers).toHaveLength(1);
    expect(found?.value).toBeGreaterThan(0.93);
    const moved = new Map([
      ['c1', { channels: 4, samples: SAMPLES, nonNegative: true, values: values.map((value) => Math.max(0, value - 1)) }],
    ]);
    expect(alignment({ ...network, weights }, moved)?.value).toBeLessThan((found?.value ?? 0) - 0.1);
    expect(alignment(network, new Map([['c2', sample(6, false, { seed: 2 })]]))).toBeNull();
  });
});

describe('normalQuantile', () => {
  it('knows the usual quantiles', () => {
    for (const [share, z] of [
      [0.975, 1.959963984540054],
      [0.5, 0],
      [0.01, -2.3263478740408408],
      [0.2, -0.8416212335729143],
      [0.9999, 3.719016485455709],
    ]) {
      expect(normalQuantile(share)).toBeCloseTo(z, 7);
    }
  });
});
