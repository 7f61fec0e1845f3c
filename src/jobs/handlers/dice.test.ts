import { describe, expect, it, vi } from 'vitest';
import { activationProfile, similarityMatrix, unpackTriangle } from '../../core/dice/index.ts';
import * as make from '../../core/network/testing.ts';
import { planPruning } from '../../core/prune/index.ts';
import { createRandom } from '../../core/random.ts';
import { openEngine } from '../../engine/index.ts';
import { arithmeticWith, kernelThreads, profileActivations } from './dice.ts';

describe('a profile on the kernels', () => {
  const random = createRandom(1);
  const layer = (channels: number, samples: number) => ({
    channels,
    samples,
    values: Float32Array.from({ length: channels * samples }, random.normal),
    nonNegative: false,
  });
  const samples = new Map([
    ['a', layer(12, 300)],
    ['lone', layer(1, 300)],
    ['b', layer(40, 300)],
  ]);
  const make = (precision: 'exact' | 'fast') => profileActivations(samples, { seed: 1, precision });
  const reference = activationProfile(samples, { seed: 1 });

  // The reference itself would leave no error: a rounding of float32 or of eight bits proves what has run.
  it.each([
    ['exact', 1e-10, 1e-6],
    ['fast', 1e-5, 1e-2],
  ] as const)('%s: says its error, and is within it of the reference', (precision, least, most) => {
    const { document } = make(precision);
    expect(document.precision).toBe(precision);
    expect(document.similarityError).toBeGreaterThan(least);
    expect(document.similarityError).toBeLessThan(most);
    expect(document.layers.map(({ layer, kernels, note }) => [layer, kernels, note])).toEqual(
      reference.layers.map(({ layer, kernels, note }) => [layer, kernels, note]),
    );
    expect(Math.abs(document.diversity - reference.diversity)).toBeLessThan(document.similarityError);
    document.layers[2].dice?.sAvg.forEach((value, i) =>
      expect(Math.abs(value - (reference.layers[2].dice?.sAvg[i] ?? 0))).toBeLessThan(most),
    );
    const errors = document.layers[2].dice?.standardError?.diversity ?? 0;
    expect(errors / (reference.layers[2].dice?.standardError?.diversity ?? 1)).toBeCloseTo(1, 1);
  });

  it('keeps the matrices of layers that have one', () => {
    const { triangles } = make('exact');
    expect(triangles.map(({ length }) => length)).toEqual([66, 780]);
    const { channels: count, samples: size, values } = samples.get('a') ?? layer(1, 1);
    const whole = unpackTriangle(
      triangles[0],
      Int32Array.from({ length: count }, (_, i) => i),
    );
    similarityMatrix({ count, size, values }, { rescale: true }).forEach((value, at) => expect(whole[at]).toBeCloseTo(value, 6));
  });

  it('has the threads that are configured, eight at most', () => {
    for (const [configured, threads] of [
      ['1', 1],
      ['3', 3],
      ['64', 8],
    ] as const) {
      vi.stubEnv('ESPALIER_THREADS', configured);
      expect(kernelThreads()).toBe(threads);
    }
    vi.unstubAllEnvs();
  });
});

describe('a plan on the kernels and the engine', () => {
  const network = make.withRandomWeights([
    make.input([8, 8, 3]),
    make.conv('c1', 'input', 40),
    make.conv('c2', 'c1', 64, { groups: 2 }),
    make.conv('c3', 'c2', 40),
    make.add('sum', 'c1', 'c3'),
    make.globalAverage('pool', 'sum'),
    make.dense('classes', 'pool', 4),
  ]);

  it.each(['dice', 'dice-greedy', 'dice-representative', 'fpgm', 'dacp'])('is the plain one: %s', async (criterion) => {
    const engine = await openEngine();
    const called = { compare: 0, products: 0 };
    const fast = arithmeticWith(engine);
    const arithmetic: typeof fast = {
      compare: (...given) => (called.compare++, fast.compare(...given)),
      gramOfRows: (rows) => (called.products++, fast.gramOfRows(rows)),
    };
    const options = { criterion, layers: 'conv', target: { ratio: 0.4 }, seed: 0 } as const;
    expect(planPruning(network, { ...options, arithmetic })).toEqual(planPruning(network, options));
    expect(called.compare + called.products).toBeGreaterThanOrEqual(3);
  });
});
