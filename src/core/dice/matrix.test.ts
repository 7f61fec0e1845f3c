import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { clusterOrder } from './cluster-order.ts';
import { compareProfiles } from './compare.ts';
import { formulaKernels } from './golden.fixture.ts';
import { measuredError } from './measured-error.ts';
import type { LayerProfile } from './profile.ts';
import { compareKernels, similarityMatrix } from './similarity.ts';
import { packTriangle, pairsOf, placesOfTriangles, unpackTriangle } from './triangle.ts';

const identity = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

describe('a packed triangle', () => {
  it('is the whole matrix again, in the order asked for', () => {
    const similarity = similarityMatrix(formulaKernels(12, 27), { rescale: true });
    const packed = packTriangle(similarity, 12);
    expect(packed).toHaveLength(66);
    unpackTriangle(packed, identity(12)).forEach((value, at) => expect(value).toBe(Math.fround(similarity[at])));
    const order = createRandom(1).shuffle(identity(12));
    const shuffled = unpackTriangle(packed, order);
    order.forEach((i, row) => order.forEach((j, column) => expect(shuffled[row * 12 + column]).toBe(Math.fround(similarity[i * 12 + j]))));
    expect([...unpackTriangle(packTriangle(new Float64Array([1]), 1), [0])]).toEqual([1]);
  });

  it('lies behind those stored before it', () => {
    expect(placesOfTriangles([4, 1, 3])).toEqual([
      { from: 0, length: 6 },
      { from: 6, length: 0 },
      { from: 6, length: 3 },
    ]);
  });
});

describe('clusterOrder', () => {
  /** Average-linkage clustering as it is defined: the most similar pair of clusters joins, mean over all pairs of members. */
  function byDefinition(similarity: Float32Array, count: number): number[] {
    let clusters = identity(count).map((i) => [i]);
    const between = (a: number[], b: number[]): number =>
      a.reduce((sum, i) => sum + b.reduce((inner, j) => inner + similarity[i * count + j], 0), 0) / (a.length * b.length);
    while (clusters.length > 1) {
      let best: [number, number] = [0, 1];
      clusters.forEach((a, i) =>
        clusters.forEach((b, j) => {
          if (i < j && between(a, b) > between(clusters[best[0]], clusters[best[1]])) best = [i, j];
        }),
      );
      const [i, j] = best;
      clusters = clusters.map((own, at) => (at === i ? [...own, ...clusters[j]] : own)).filter((_, at) => at !== j);
    }
    return clusters[0];
  }

  it('is what average linkage gives, joining pair by pair', () => {
    for (const count of [2, 3, 7, 20]) {
      const random = createRandom(count);
      const values = Float64Array.from({ length: count * 9 }, random.normal);
      const packed = packTriangle(similarityMatrix({ count, size: 9, values }, { rescale: true }), count);
      expect([...clusterOrder(packed, count)]).toEqual(byDefinition(unpackTriangle(packed, identity(count)), count));
    }
  });

  it('puts copies side by side and keeps the order of kernels all alike', () => {
    const random = createRandom(3);
    const [a, b] = [0, 1].map(() => Array.from({ length: 20 }, random.normal));
    const values = Float64Array.from([a, b, a, b, a].flat());
    expect([...clusterOrder(packTriangle(similarityMatrix({ count: 5, size: 20, values }, { rescale: true }), 5), 5)]).toEqual([
      0, 2, 4, 1, 3,
    ]);
    expect([...clusterOrder(new Float32Array(10).fill(0.5), 5)]).toEqual([0, 1, 2, 3, 4]);
    expect([...clusterOrder(new Float32Array(0), 1)]).toEqual([0]);
  });
});

describe('measuredError', () => {
  it('is nothing for the reference and finds what was changed', () => {
    const kernels = formulaKernels(12, 27);
    const { triangle } = compareKernels(kernels, { rescale: true });
    const drawn = () => ({ pairs: 400, random: createRandom(1) });
    expect(measuredError(kernels, triangle, { rescale: true }, drawn())).toBeLessThan(1e-14);
    triangle[pairsOf(7) + 3] += 0.01;
    expect(measuredError(kernels, triangle, { rescale: true }, drawn())).toBeCloseTo(0.01, 12);
  });
});

describe('compareProfiles', () => {
  const layer = (name: string, diversity?: number): LayerProfile => ({
    layer: name,
    kernels: 4,
    size: 9,
    dead: 0,
    ...(diversity !== undefined && {
      dice: { diversity, diversityExcess: 0, redundantShare: 0, effectiveKernels: 2 } as LayerProfile['dice'],
    }),
  });

  it('matches by name where one is common, in the order of the second, and keeps what only one has', () => {
    const { pairedBy, layers } = compareProfiles(
      { layers: [layer('a', 0.5), layer('b', 0.4), layer('c')] },
      {
        layers: [layer('b', 0.5), layer('d', 0.1), layer('c', 0.2)],
      },
    );
    expect(pairedBy).toBe('name');
    expect(layers.map(({ before, after }) => [before?.layer ?? null, after?.layer ?? null])).toEqual([
      ['b', 'b'],
      [null, 'd'],
      ['c', 'c'],
      ['a', null],
    ]);
    expect(layers[0].difference).toBeCloseTo(0.1, 12);
    expect(layers.slice(1).map(({ difference }) => difference)).toEqual([null, null, null]);
  });

  it('matches by place where no name is common', () => {
    const { pairedBy, layers } = compareProfiles({ layers: [layer('a', 0.5)] }, { layers: [layer('x', 0.25), layer('y', 0.1)] });
    expect(pairedBy).toBe('place');
    expect(layers.map(({ difference }) => difference)).toEqual([-0.25, null]);
  });
});
