import { expect, it } from 'vitest';
import { groupSimilarity } from '../dice/group-similarity.fixture.ts';
import { compareKernels, packTriangle, similarityMatrix, type KernelMatrix } from '../dice/index.ts';
import { kernelLayers } from '../network/index.ts';
import * as make from '../network/testing.ts';
import { createRandom } from '../random.ts';
import { dependencyGroups } from './groups.ts';
import { planPruning } from './plan.ts';
import { portionsOf } from './portion.ts';
import { rowsSimilarity, storedSimilarity } from './similarity.ts';
import { createViews } from './view.ts';

const network = make.withRandomWeights([
  make.input([8, 8, 3]),
  make.conv('c1', 'input', 16),
  make.conv('c2', 'c1', 16),
  make.add('sum', 'c1', 'c2'),
  make.conv('c3', 'sum', 12, { groups: 2 }),
  make.conv('c4', 'c3', 10),
  make.globalAverage('pool', 'c4'),
  make.dense('classes', 'pool', 4),
]);

const stored = new Map(
  kernelLayers(network, 'conv').map(({ node, kernels }) => [
    node.id,
    Float32Array.from(packTriangle(similarityMatrix(kernels, { rescale: true }), kernels.count)),
  ]),
);

it('is the similarity of the concatenated kernels, of several producers and of grouped convolutions too', () => {
  const viewOf = createViews(network, { source: 'weights', seed: 0, evidence: {} });
  const groups = dependencyGroups(network).filter(({ locked }) => locked === undefined);
  expect(groups.map(({ id, producers }) => [id, producers.length])).toContainEqual(['c1', 2]);
  for (const group of groups) {
    const similarity = storedSimilarity(portionsOf(network).kernels(group), group.size, stored);
    const expected = viewOf(group).similarity();
    expect(similarity).toHaveLength(expected.length);
    similarity?.forEach((value, at) => expect(value).toBeCloseTo(expected[at], 6));
  }
});

it('is not there where a layer is not', () => {
  const [group] = dependencyGroups(network);
  const kernels = portionsOf(network).kernels(group);
  expect(storedSimilarity(kernels, group.size, new Map([...stored].filter(([layer]) => layer !== 'c2')))).toBeUndefined();
});

it('plans as the kernels themselves do', () => {
  const options = { criterion: 'dice', layers: 'conv', target: { ratio: 0.4 }, seed: 0 } as const;
  // Distorted on purpose: only the stored ones can have made this plan.
  const other = new Map([...stored].map(([layer, triangle]) => [layer, triangle.toReversed()]));
  expect(planPruning(network, { ...options, similarities: stored })).toEqual(planPruning(network, options));
  expect(planPruning(network, { ...options, similarities: other })).not.toEqual(planPruning(network, options));
  expect(planPruning(network, { ...options, source: 'weights-excess', similarities: other })).toEqual(
    planPruning(network, { ...options, source: 'weights-excess' }),
  );
});

it('is the similarity of the concatenated rows, of rows without mass too', () => {
  const random = createRandom(4);
  const rows = (size: number, value: (row: number) => number): KernelMatrix => ({
    count: 9,
    size,
    values: Float32Array.from({ length: 9 * size }, (_, at) => value(Math.floor(at / size))),
  });
  const signed = { ...rows(7, () => random.normal()), rescale: true };
  // Of the channels after a ReLU the last three are dead.
  const positive = { ...rows(5, (row) => (row < 6 ? Math.abs(random.normal()) : 0)), rescale: false };
  const silent = { ...rows(4, (row) => (row < 6 ? random.next() : 0)), rescale: false };
  for (const matrices of [[signed], [positive], [signed, positive], [positive, silent]]) {
    const expected = groupSimilarity(matrices);
    rowsSimilarity(matrices, compareKernels).forEach((value, at) => expect(value).toBeCloseTo(expected[at], 12));
  }
});
