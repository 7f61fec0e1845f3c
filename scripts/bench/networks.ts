import { buildBackbone } from '../../src/backbones/index.ts';
import { createGraph } from '../../src/backbones/graph.ts';
import { resnet } from '../../src/backbones/resnet.ts';
import type { ImageSet } from '../../src/core/images.ts';
import { withRandomWeights } from '../../src/core/network/testing.ts';
import type { Network } from '../../src/core/network/types.ts';
import { createRandom } from '../../src/core/random.ts';
import type { Recipe } from '../../src/engine/index.ts';

/** ResNet-20 for CIFAR with 1×1 projections as shortcuts (option B), which is what rivals' benches run. */
export function resnet20(): Network {
  const graph = createGraph([32, 32, 3]);
  resnet(graph, { block: 'basic', repeats: [3, 3, 3], width: 16, stem: 'cifar', shortcut: 'projection', head: 'fc' }, 10);
  return withRandomWeights(graph.nodes);
}

export const resnet50 = (): Network => buildBackbone('resnet50', { seed: 1 });

export function randomImages(count: number, side: number, classes: number): ImageSet {
  const random = createRandom(2);
  const pixels = new Uint8Array(count * side * side * 3);
  for (let i = 0; i < pixels.length; i++) pixels[i] = random.integer(256);
  return { count, height: side, width: side, pixels, labels: Int32Array.from({ length: count }, (_, i) => i % classes) };
}

/** One epoch as a rival's bench trains: AdamW at a constant rate. */
export const recipeOf = (batchSize: number, augmentation: Recipe['augmentation']): Recipe => ({
  epochs: 1,
  batchSize,
  learningRate: 1e-3,
  schedule: { kind: 'constant' },
  weightDecay: 1e-4,
  augmentation,
  tune: 'all',
  seed: 1,
});
