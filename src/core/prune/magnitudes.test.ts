import { expect, it } from 'vitest';
import * as make from '../network/testing.ts';
import { kernelMagnitudes, kernelWeights, type Magnitudes } from './magnitudes.ts';
import { planPruning, type Plan } from './plan.ts';

const network = make.withRandomWeights([
  make.input([8, 8, 3]),
  make.conv('c1', 'input', 16),
  make.depthwise('d', 'c1'),
  make.conv('c2', 'd', 16, { groups: 4 }),
  make.add('sum', 'c1', 'c2'),
  make.globalAverage('pool', 'sum'),
  make.dense('hidden', 'pool', 12),
  make.dense('classes', 'hidden', 4),
]);
const known = kernelMagnitudes(network);

const planned = (criterion: string, magnitudes?: Magnitudes): Plan =>
  planPruning(network, { criterion, layers: 'all', target: { ratio: 0.5 }, ranking: 'global', seed: 0, magnitudes });

it('lists the kernels that make channels', () => {
  expect(kernelWeights(network)).toEqual([
    { key: 'c1/kernel', axis: 3, channels: 16 },
    { key: 'c2/kernel', axis: 3, channels: 16 },
    { key: 'hidden/kernel', axis: 1, channels: 12 },
    { key: 'classes/kernel', axis: 1, channels: 4 },
  ]);
});

it.each(['l1', 'l2', 'lamp'])('plans by %s as the weights themselves do, and from nothing else', (criterion) => {
  expect(planned(criterion, known)).toEqual(planned(criterion));
  const reversed = new Map(
    Array.from(known, ([key, sums]) => [key, { absolute: sums.absolute.toReversed(), square: sums.square.toReversed() }]),
  );
  expect(planned(criterion, reversed).groups).not.toEqual(planned(criterion).groups);
});
