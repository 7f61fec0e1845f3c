import { expect, it } from 'vitest';
import { add, conv, globalAverage, input, norm, relu, withRandomWeights } from '../core/network/testing.ts';
import type { Node } from '../core/network/types.ts';
import { planOf } from './plan.ts';

const pad = (id: string, from: string): Node => ({
  id,
  kind: 'ZeroPadding2D',
  inputs: [from],
  config: {
    padding: [
      [1, 1],
      [1, 1],
    ],
  },
});

const network = withRandomWeights([
  input([8, 8, 3]),
  pad('p', 'input'),
  conv('c1', 'p', 4, { padding: 'valid' }),
  norm('n1', 'c1'),
  relu('r1', 'n1'),
  conv('c2', 'r1', 4),
  norm('n2', 'c2'),
  add('a', 'n2', 'r1'),
  relu('r2', 'a'),
  globalAverage('g', 'r2'),
]);

it('folds padding, BatchNormalization and ReLU into the convolution for inference', () => {
  const { steps } = planOf(network, 'g', { fuse: 'inference' });
  expect(steps.map(({ id, node }) => [node.id, id])).toEqual([
    ['input', 'input'],
    ['c1', 'r1'],
    ['c2', 'n2'],
    ['a', 'a'],
    ['r2', 'r2'],
    ['g', 'g'],
  ]);
  expect(steps[1].inputs).toEqual(['input']);
  expect(steps[1].activation).toEqual({ maxValue: null });
});

it('keeps what is observed, and all that trains', () => {
  const observed = planOf(network, 'g', { fuse: 'inference', observed: new Set(['c1', 'n2']) });
  expect(observed.steps.map(({ id }) => id)).toEqual(['input', 'c1', 'n1', 'r1', 'n2', 'a', 'r2', 'g']);
  const training = planOf(network, 'g', { fuse: 'training' });
  expect(training.steps.map(({ id }) => id)).toEqual(['input', 'c1', 'n1', 'r1', 'c2', 'n2', 'a', 'r2', 'g']);
});

it('runs only what leads to the output', () => {
  expect(planOf(network, 'n1', { fuse: 'inference' }).steps.map(({ id }) => id)).toEqual(['input', 'n1']);
});
