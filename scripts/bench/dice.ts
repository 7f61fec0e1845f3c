import { averageSimilarity } from '../../src/core/dice/index.ts';
import { inferShapes, kernelMatrix, layerOf, weightsOf } from '../../src/core/network/index.ts';
import { median } from '../../src/core/stats/index.ts';
import { openDiceKernels } from '../../src/kernels/dice.ts';
import type { BenchOptions, Figure } from './index.ts';
import { resnet50 } from './networks.ts';

const RUNS = 5;

/** Similarity and S_avg of all 53 convolutions of ResNet-50, 19.46 G pair values: what rivals compute with a distance matrix. */
export async function* dice({ threads }: BenchOptions): AsyncGenerator<Figure> {
  const network = resnet50();
  const shapes = inferShapes(network);
  const convolutions = network.nodes.filter(({ kind }) => layerOf(kind).convolution);
  const before = process.memoryUsage.rss();
  let peak = before;
  const kernels = openDiceKernels({ threads });
  const seconds: number[] = [];
  // The first run compiles and starts the threads.
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    for (const node of convolutions) {
      const matrix = kernelMatrix(node, weightsOf(network, node, shapes));
      averageSimilarity(kernels.similarityMatrix(matrix, { rescale: true }), matrix.count);
      peak = Math.max(peak, process.memoryUsage.rss());
    }
    if (run > 0) seconds.push((performance.now() - start) / 1000);
  }
  kernels.close();
  yield { name: 'weight Dice profile resnet50', value: median(seconds), unit: 's' };
  yield { name: 'weight Dice profile resnet50 memory above the weights', value: (peak - before) / 1e6, unit: 'MB' };
}
