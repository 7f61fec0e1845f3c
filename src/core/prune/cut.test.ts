import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { costOf, inferShapes, kernelLayers, logitsNode, referenceForward, validateNetwork, type Network } from '../network/index.ts';
import * as make from '../network/testing.ts';
import { createRandom } from '../random.ts';
import { Failure } from '../failure.ts';
import { criteria, criterionOf } from './criteria.ts';
import { cut, masked } from './cut.ts';
import type { Evidence } from './evidence.ts';
import { planPruning, type Plan } from './plan.ts';
import { randomNetworks } from './random-network.fixture.ts';

function image(network: Network, seed: number): Float32Array {
  const size = (inferShapes(network).get('input') ?? []).reduce((a, b) => a * b, 1);
  const random = createRandom(seed);
  return Float32Array.from({ length: size }, () => random.normal());
}

/** Largest difference of the logits, as a share of their scale. */
function difference(a: Network, b: Network, x: Float32Array): number {
  const [p, q] = [a, b].map((network) => referenceForward(network, x).get(logitsNode(network).id) ?? new Float32Array());
  expect(p.length).toBe(q.length);
  const scale = Math.max(1e-6, ...p.map(Math.abs));
  return Math.max(...p.map((value, i) => Math.abs(value - q[i]))) / scale;
}

/** Random numbers in the place of gradients and feature maps: what leaves is any choice, and any must be cut exactly. */
function anyEvidence(network: Network, seed: number): Evidence {
  const random = createRandom(seed);
  const any = (length: number): Float32Array => Float32Array.from({ length }, () => random.normal());
  const byWeight = new Map([...network.weights].map(([key, { data }]) => [key, any(data.length)]));
  const featureMaps = new Map(
    kernelLayers(network, 'conv').map(({ node, kernels: { count } }) => [
      node.id,
      { meanRank: Float64Array.from(any(count), Math.abs), zeroShare: Float64Array.from(any(count)), nonNegative: true },
    ]),
  );
  return { gradients: { mean: byWeight, meanSquare: byWeight }, hessianProduct: byWeight, featureMaps };
}

describe('masked ≡ compacted', () => {
  it('on random networks of every kind, criterion and ratio', () => {
    let removed = 0;
    let changed = 0;
    const pruned = fc.property(
      randomNetworks,
      fc.constantFrom(...Object.keys(criteria)),
      fc.constantFrom(0.2, 0.5, 0.8),
      fc.constantFrom('local' as const, 'global' as const, 'isomorphic' as const),
      fc.nat({ max: 99 }),
      (network, criterion, ratio, ranking, seed) => {
        const layers = criterionOf(criterion).needs('weights').includes('featureMaps') ? 'conv' : 'all';
        let plan: Plan;
        try {
          plan = planPruning(network, { criterion, ranking, target: { ratio }, layers, seed, evidence: anyEvidence(network, seed) });
        } catch (error) {
          // Every channel of some random networks is coupled to the image or pinned.
          expect(error).toMatchObject({ code: 'target-unreachable' });
          return;
        }
        const small = cut(network, plan);
        validateNetwork(small);
        expect(costOf(small)).toMatchObject(plan.cost.after);
        const blind = masked(network, plan);
        validateNetwork(blind);
        expect(inferShapes(blind)).toEqual(inferShapes(network));
        const x = image(network, seed);
        expect(difference(blind, small, x)).toBeLessThan(1e-5);
        const leaving = plan.groups.reduce((sum, group) => sum + group.removed.length, 0);
        removed += leaving;
        if (leaving > 0 && difference(network, small, x) > 1e-3) changed++;
      },
    );
    fc.assert(pruned, { numRuns: 600, seed: 7 });
    // The property would hold of plans that do nothing; these do something.
    expect(removed).toBeGreaterThan(500);
    expect(changed).toBeGreaterThan(100);
  });

  it('leaves the network as it was, and takes a plan that went through JSON', () => {
    const network = make.withRandomWeights([
      make.input([4, 4, 3]),
      make.conv('c1', 'input', 4),
      make.conv('c2', 'c1', 4),
      make.globalAverage('pool', 'c2'),
      make.dense('classes', 'pool', 2),
    ]);
    const before = structuredClone([...network.weights]);
    const plan = planPruning(network, { criterion: 'l1', target: { ratio: 0.5 }, layers: 'conv', seed: 0 });
    const small = cut(network, plan);
    masked(network, plan);
    expect([...network.weights]).toEqual(before);
    expect(small.metadata).toBe(network.metadata);
    expect(small.weights.get('c2/kernel')?.shape).toEqual([3, 3, 2, 2]);
    expect(cut(network, JSON.parse(JSON.stringify(plan)))).toEqual(small);
  });

  it('refuses a plan that was made for another network, or that empties or opens a group', () => {
    const network = make.withRandomWeights([
      make.input([4, 4, 3]),
      make.conv('c1', 'input', 4),
      make.globalAverage('pool', 'c1'),
      make.dense('classes', 'pool', 2),
    ]);
    for (const group of [
      { id: 'c9', channels: 4, removed: [0] },
      { id: 'c1', channels: 5, removed: [0] },
      { id: 'c1', channels: 4, removed: [4] },
      { id: 'c1', channels: 4, removed: [0, 1, 2, 3] },
      { id: 'classes', channels: 2, removed: [0] },
    ]) {
      for (const apply of [cut, masked]) {
        expect(() => apply(network, { groups: [group] })).toThrow(Failure);
      }
    }
  });
});
