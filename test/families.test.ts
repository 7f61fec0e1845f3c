import { beforeAll, describe, expect, it } from 'vitest';
import { buildBackbone } from '../src/backbones/index.ts';
import { costOf, validateNetwork } from '../src/core/network/index.ts';
import { cut, masked, planPruning } from '../src/core/prune/index.ts';
import { createRandom } from '../src/core/random.ts';
import { openEngine, type Engine } from '../src/engine/index.ts';

const SIDE = 64;
let engine: Engine;

beforeAll(async () => {
  engine = await openEngine();
});

// ShuffleNet is where others give up: its slices and shuffles are gathered channels here.
describe.each([
  'shufflenet_v2_x0_5',
  'mobilenet_v3_small',
  'regnet_y_400mf',
  'densenet121',
  'googlenet',
  'efficientnet_b0',
  'convnext_tiny',
])('%s', (id) => {
  it('pruned by half answers as the original that is blind to what left', async () => {
    const network = buildBackbone(id, { classes: 10, inputShape: [SIDE, SIDE, 3], seed: 1 });
    const plan = planPruning(network, { criterion: 'l1', target: { ratio: 0.5 }, layers: 'conv', seed: 1 });
    const small = cut(network, plan);
    validateNetwork(small);
    expect(costOf(small).flops).toBeLessThan(0.45 * costOf(network).flops);
    const random = createRandom(2);
    const x = Float32Array.from({ length: 2 * SIDE * SIDE * 3 }, () => random.normal());
    const [whole, wanted, got] = [
      await engine.logitsOf(network, x),
      await engine.logitsOf(masked(network, plan), x),
      await engine.logitsOf(small, x),
    ];
    const scale = Math.max(...wanted.map(Math.abs));
    const distance = (a: Float32Array, b: Float32Array): number => Math.max(...a.map((value, i) => Math.abs(value - b[i]))) / scale;
    expect(distance(wanted, got)).toBeLessThan(1e-4);
    expect(distance(whole, got)).toBeGreaterThan(1e-2);
  });
});
