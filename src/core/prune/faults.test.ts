import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  inferShapes,
  kernelLayers,
  logitsNode,
  nodeOf,
  referenceForward,
  validateNetwork,
  type Network,
  type Node,
} from '../network/index.ts';
import * as make from '../network/testing.ts';
import { createRandom } from '../random.ts';
import { cut, masked } from './cut.ts';
import { dependencyGroups } from './groups.ts';
import { planPruning, type Plan, type PlanOptions } from './plan.ts';
import { randomNetworks } from './random-network.fixture.ts';

// What other pruners are known to get wrong; the numbers are Torch-Pruning's issues.

const plan = (network: Network, given: Partial<PlanOptions> = {}): Plan =>
  planPruning(network, { criterion: 'l1', target: { ratio: 0.5 }, layers: 'all', seed: 1, ...given });

/** The cut network, proved: the original that is blind to what left answers the same, and the original does not. */
function proved(nodes: Node[], given: Partial<PlanOptions> = {}): Network {
  const network = make.withRandomWeights(nodes);
  const made = plan(network, given);
  const small = cut(network, made);
  validateNetwork(small);
  const random = createRandom(3);
  const size = (inferShapes(network).get('input') ?? []).reduce((a, b) => a * b, 1);
  const x = Float32Array.from({ length: size }, () => random.normal());
  const answer = (of: Network): number[] => [...(referenceForward(of, x).get(logitsNode(of).id) ?? [])];
  const [blind, left, whole] = [answer(masked(network, made)), answer(small), answer(network)];
  const distance = (other: number[]): number => Math.max(...left.map((value, i) => Math.abs(value - other[i])));
  expect(distance(blind)).toBeLessThan(1e-5);
  expect(distance(whole)).toBeGreaterThan(1e-2);
  return small;
}
const kernelOf = (network: Network, id: string): readonly number[] => network.weights.get(`${id}/kernel`)?.shape ?? [];

describe('rounding (#49)', () => {
  it('never empties a group, and keeps a multiple wherever the group has one', () => {
    fc.assert(
      fc.property(randomNetworks, fc.integer({ min: 1, max: 9 }), fc.constantFrom(0.3, 0.6, 0.99), (network, roundTo, ratio) => {
        let made: Plan;
        try {
          made = plan(network, { roundTo, target: { ratio } });
        } catch (error) {
          expect(error).toMatchObject({ code: 'target-unreachable' });
          return;
        }
        for (const { kept, channels } of made.groups) {
          expect(kept.length).toBeGreaterThanOrEqual(Math.min(channels, roundTo));
          expect(kept.length === channels || kept.length % roundTo === 0).toBe(true);
        }
      }),
      { numRuns: 200, seed: 11 },
    );
  });
});

it('a value that is concatenated with itself (#146)', () => {
  const small = proved([
    make.input([4, 4, 3]),
    make.conv('c', 'input', 6),
    make.concat('twice', 'c', 'c'),
    make.conv('d', 'twice', 4),
    make.globalAverage('pool', 'd'),
    make.dense('classes', 'pool', 3),
  ]);
  // The channels of c are read at two places.
  expect(kernelOf(small, 'd')).toEqual([3, 3, 6, 2]);
});

it('grouped convolutions, whose groups stay alike (#427)', () => {
  const small = proved([
    make.input([4, 4, 3]),
    make.conv('c', 'input', 8),
    make.conv('grouped', 'c', 12, { groups: 4 }),
    make.norm('n', 'grouped'),
    make.conv('after', 'n', 4, { size: 1 }),
    make.globalAverage('pool', 'after'),
    make.dense('classes', 'pool', 3),
  ]);
  const { config } = nodeOf(small, 'grouped');
  expect(config).toMatchObject({ groups: 4 });
  expect(kernelOf(small, 'grouped')[3] % 4).toBe(0);
  expect(kernelOf(small, 'after')[2]).toBe(kernelOf(small, 'grouped')[3]);
});

it('features flattened from maps that are not square, into more than one reader (#125)', () => {
  const small = proved([
    make.input([3, 5, 3]),
    make.conv('c', 'input', 8),
    make.flatten('flat', 'c'),
    make.dense('left', 'flat', 4),
    make.dense('right', 'flat', 4),
    make.add('sum', 'left', 'right'),
    make.dense('classes', 'sum', 3),
  ]);
  expect(kernelOf(small, 'left')).toEqual([3 * 5 * 4, 2]);
});

describe('nothing is left out in silence', () => {
  it('every layer with kernels is planned for or skipped with a reason', () => {
    fc.assert(
      fc.property(randomNetworks, fc.constantFrom('conv' as const, 'all' as const), (network, layers) => {
        let made: Plan;
        try {
          made = plan(network, { layers });
        } catch (error) {
          expect(error).toMatchObject({ code: 'target-unreachable', hint: expect.stringMatching(/./) });
          return;
        }
        const told = [...made.groups, ...made.skipped];
        expect(told.map(({ id }) => id).sort()).toEqual(dependencyGroups(network).map(({ id }) => id).sort()); // prettier-ignore
        for (const { reason } of made.skipped) expect(reason).toMatch(/\w/);
        // Depthwise kernels pass channels on and lie in the group of who makes these.
        const members = new Set([
          ...told.flatMap(({ producers }) => producers),
          ...made.groups.flatMap(({ coupled }) => coupled.map(({ node }) => node)),
        ]);
        for (const { node } of kernelLayers(network, 'all')) {
          if (node.kind !== 'DepthwiseConv2D') expect(members).toContain(node.id);
        }
      }),
      { numRuns: 150, seed: 13 },
    );
  });
});

it('a ratio is what leaves and not what stays, for the network and for one layer', () => {
  const network = make.withRandomWeights([
    make.input([4, 4, 3]),
    make.conv('c', 'input', 10),
    make.conv('d', 'c', 10),
    make.globalAverage('pool', 'd'),
    make.dense('classes', 'pool', 3),
  ]);
  const removed = plan(network, { target: { ratio: 0.1, byLayer: { d: 0.9 } } }).groups.map((group) => group.removed.length);
  expect(removed).toEqual([1, 9]);
});
