import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readModel } from '../../formats/models/index.ts';
import type { Network, Node, Tensor } from '../network/index.ts';
import { createRandom } from '../random.ts';
import { formulaKernels } from './golden.fixture.ts';
import { activationProfile, weightProfile } from './profile.ts';
import { profileMatrix, similaritySpectrum } from './profile-matrix.ts';
import { averageSimilarity, compareKernels, similarityMatrix } from './similarity.ts';

const weightsOptions = { rescale: true, seed: 1, sampled: false, compare: compareKernels, spectrum: similaritySpectrum };

/** Two 3×3 convolutions of given widths and a Dense layer of 3 units on 8 × 8 RGB images, random weights. */
function twoConvolutions(first: number, second: number): Network {
  const random = createRandom(5);
  const conv = (id: string, input: string, filters: number): Node => ({
    id,
    kind: 'Conv2D',
    config: { filters, kernelSize: [3, 3], strides: [1, 1], padding: 'same', dilationRate: [1, 1], groups: 1, useBias: false },
    inputs: [input],
  });
  const tensor = (shape: number[]): Tensor => ({
    shape,
    data: Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, random.normal),
  });
  return {
    nodes: [
      { id: 'image', kind: 'Input', config: { shape: [8, 8, 3] }, inputs: [] },
      conv('a', 'image', first),
      conv('b', 'a', second),
      { id: 'pool', kind: 'GlobalAveragePooling2D', config: {}, inputs: ['b'] },
      { id: 'head', kind: 'Dense', config: { units: 3, useBias: false }, inputs: ['pool'] },
    ],
    weights: new Map([
      ['a/kernel', tensor([3, 3, 3, first])],
      ['b/kernel', tensor([3, 3, first, second])],
      ['head/kernel', tensor([second, 3])],
    ]),
    metadata: {
      name: 'two',
      preprocessing: { scale: 1 / 255, mean: [0, 0, 0], std: [1, 1, 1], resize: 'shorter-side-centre-crop' },
    },
  };
}

describe('profileMatrix', () => {
  for (const [count, size, diversity, effective] of [
    [12, 27, 0.4286, 4.723346],
    [64, 576, 0.402469598, 10.021169],
  ]) {
    it(`gives the golden diversity and effective number of kernels of ${count} × ${size}`, () => {
      const profile = profileMatrix(formulaKernels(count, size), weightsOptions).statistics;
      expect(profile.diversity).toBeCloseTo(diversity, 9);
      expect(profile.effectiveKernels).toBeCloseTo(effective, 6);
      expect(profile.histogram.counts.reduce((a, b) => a + b)).toBe(count);
      expect(profile.standardError).toBeUndefined();
    });
  }

  it('finds copies: listed first, a share of redundant kernels, no effective kernel more', () => {
    const random = createRandom(2);
    const size = 200;
    const values = Float64Array.from({ length: 20 * size }, random.normal);
    values.copyWithin(17 * size, 3 * size, 4 * size);
    const profile = profileMatrix({ count: 20, size, values }, weightsOptions).statistics;
    expect(profile.similarPairs).toHaveLength(10);
    expect(profile.similarPairs[0]).toEqual({ first: 3, second: 17, similarity: 1 });
    const ranked = profile.similarPairs.map((pair) => pair.similarity);
    expect(ranked).toEqual([...ranked].sort((a, b) => b - a));
    expect(profile.redundantShare).toBeGreaterThanOrEqual(0.1);
    expect(profile.redundantShare).toBeLessThan(0.5);

    const alike = profileMatrix(
      { count: 6, size: 9, values: Float64Array.from({ length: 54 }, (_, at) => (at % 9) - 4) },
      weightsOptions,
    ).statistics;
    expect(alike.effectiveKernels).toBeCloseTo(1, 9);
    expect(alike.diversity).toBeCloseTo(0, 12);
    // The kernels agree value by value, their permutations do not.
    expect(alike.diversityExcess).toBeLessThan(-0.1);
  });

  it('has no excess where the order of values means nothing, and repeats for a seed', () => {
    const random = createRandom(3);
    const matrix = { count: 40, size: 300, values: Float64Array.from({ length: 12_000 }, random.normal) };
    const profile = profileMatrix(matrix, weightsOptions).statistics;
    expect(Math.abs(profile.diversityExcess)).toBeLessThan(0.002);
    expect(profileMatrix(matrix, weightsOptions).statistics).toEqual(profile);
    expect(profileMatrix(matrix, { ...weightsOptions, seed: 2 }).statistics.diversityExcess).not.toBe(profile.diversityExcess);
  });

  it('estimates the error that a sample of columns leaves', () => {
    const random = createRandom(4);
    const count = 8;
    const errors: number[] = [];
    const diversities = Array.from({ length: 60 }, () => {
      // Sparse and bounded: the largest value hardly depends on the sample.
      const values = Float64Array.from({ length: count * 320 }, () => Math.max(0, random.next() - 0.5));
      const profile = profileMatrix(
        { count, size: 320, values },
        { rescale: false, seed: 9, sampled: true, compare: compareKernels, spectrum: similaritySpectrum },
      ).statistics;
      errors.push(profile.standardError?.diversity ?? Number.NaN);
      const plain = averageSimilarity(similarityMatrix({ count, size: 320, values }, { rescale: false }), count);
      profile.sAvg.forEach((value, i) => expect(value).toBeCloseTo(plain[i], 10));
      return profile.diversity;
    });
    const centre = diversities.reduce((a, b) => a + b) / 60;
    const spread = Math.sqrt(diversities.reduce((sum, d) => sum + (d - centre) ** 2, 0) / 59);
    const estimate = errors.reduce((a, b) => a + b) / 60;
    expect(estimate / spread).toBeGreaterThan(0.7);
    expect(estimate / spread).toBeLessThan(1.4);
  });
});

describe('weightProfile', () => {
  it('weighs layers by their kernels and leaves Dense out unless asked', () => {
    const network = twoConvolutions(4, 12);
    const profile = weightProfile(network, { layers: 'conv', seed: 1 });
    expect(profile.layers.map(({ layer, kernels, size, dead }) => [layer, kernels, size, dead])).toEqual([
      ['a', 4, 27, 0],
      ['b', 12, 36, 0],
    ]);
    const [a, b] = profile.layers.map(({ dice }) => dice?.diversity ?? Number.NaN);
    expect(profile.kernels).toBe(16);
    expect(profile.diversity).toBeCloseTo((4 * a + 12 * b) / 16, 12);
    expect(profile.diversityUnweighted).toBeCloseTo((a + b) / 2, 12);
    expect(weightProfile(network, { layers: 'all', seed: 1 }).layers.map(({ layer }) => layer)).toEqual(['a', 'b', 'head']);
    expect(JSON.parse(JSON.stringify(profile))).toEqual(profile);
  });

  it('says that one kernel has no S_avg, and leaves the layer out of the mean', () => {
    const profile = weightProfile(twoConvolutions(1, 6), { layers: 'conv', seed: 1 });
    expect(profile.layers[0]).toEqual({ layer: 'a', kernels: 1, size: 27, dead: 0, note: expect.stringContaining('no S_avg') });
    expect(profile.diversity).toBe(profile.layers[1].dice?.diversity);
    expect(() => weightProfile(twoConvolutions(1, 1), { layers: 'conv', seed: 1 })).toThrow(
      expect.objectContaining({ code: 'unsupported-layer' }),
    );
  });

  it('names layer and index of a value that is not finite', () => {
    const network = twoConvolutions(4, 6);
    const kernel = network.weights.get('b/kernel');
    // HWIO position 7 of kernel 2: 7 · 6 + 2.
    if (kernel !== undefined) kernel.data[44] = Number.NaN;
    expect(() => weightProfile(network, { layers: 'conv', seed: 1 })).toThrow(
      expect.objectContaining({ code: 'non-finite-weights', field: 'b', message: 'Layer "b" holds NaN in kernel 2, value 7.' }),
    );
  });

  it('counts dead kernels and reports progress to the end', () => {
    const network = twoConvolutions(4, 6);
    network.weights.get('a/kernel')?.data.forEach((_, at, data) => {
      if (at % 4 === 1) data[at] = 0;
    });
    const seen: number[] = [];
    const profile = weightProfile(network, { layers: 'conv', seed: 1, onProgress: ({ done, total }) => seen.push(done / total) });
    expect(profile.layers.map(({ dead }) => dead)).toEqual([1, 0]);
    expect(seen).toHaveLength(2);
    expect(seen[1]).toBe(1);
  });
});

describe('weightProfile of the CIFAR-10 ResNets', () => {
  // METHOD.md §1: diversity of the weights, and of the same values permuted within each kernel.
  for (const [depth, diversity, permuted] of [
    [20, 0.165, 0.168],
    [32, 0.16, 0.164],
    [56, 0.156, 0.16],
  ]) {
    const path = `../shared/data/weights/resnet${depth}-cifar10.safetensors`;
    it.skipIf(!existsSync(path))(`is ${diversity} at depth ${depth}, hardly apart from its null (needs ../shared/data)`, async () => {
      const { network } = await readModel(path, { fileName: path, architecture: `cifar-resnet${depth}` });
      const profile = weightProfile(network, { layers: 'conv', seed: 0 });
      expect(profile.diversity).toBeCloseTo(diversity, 3);
      expect(profile.diversity - profile.diversityExcess).toBeCloseTo(permuted, 3);
    });
  }
});

describe('activationProfile', () => {
  it('rescales signed channels only and counts channels that never answer', () => {
    const values = Float32Array.from(formulaKernels(12, 64).values);
    const positive = values.map((value, at) => (Math.floor(at / 64) === 5 ? 0 : Math.max(0, value)));
    const profile = activationProfile(
      new Map([
        ['signed', { channels: 12, samples: 64, values, nonNegative: false }],
        ['relu', { channels: 12, samples: 64, values: positive, nonNegative: true }],
      ]),
      { seed: 1 },
    );
    expect(profile.layers.map(({ layer, dead }) => [layer, dead])).toEqual([
      ['signed', 0],
      ['relu', 1],
    ]);
    const expected = averageSimilarity(similarityMatrix({ count: 12, size: 64, values: positive }, { rescale: false }), 12);
    profile.layers[1].dice?.sAvg.forEach((value, i) => expect(value).toBeCloseTo(expected[i], 10));
    expect(profile.layers[1].dice?.sAvg[5]).toBeCloseTo(0, 12);
    expect(profile.layers[0].dice?.standardError?.sAvg).toHaveLength(12);
  });
});
