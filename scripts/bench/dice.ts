import { activationProfile, type Compare, type KernelMatrix, weightProfile } from '../../src/core/dice/index.ts';
import { kernelLayers } from '../../src/core/network/index.ts';
import { createRandom } from '../../src/core/random.ts';
import { median } from '../../src/core/stats/index.ts';
import { openEngine } from '../../src/engine/index.ts';
import { openDiceKernels } from '../../src/kernels/dice.ts';
import type { BenchOptions, Figure } from './types.ts';
import { randomImages, resnet20, resnet50 } from './networks.ts';

const RUNS = 5;
const PROBE_IMAGES = 512;
const POSITIONS_PER_IMAGE = 8;

/**
 * `weight Dice profile resnet50` is S and S_avg of its 53 convolutions, 19.46 G pair values: what rivals compute with a distance
 * matrix. The whole profile has the permuted null, quantiles, pairs and spectrum besides.
 */
export async function* dice({ threads, backend }: BenchOptions): AsyncGenerator<Figure> {
  const network = resnet50();
  const kernels = openDiceKernels({ threads });
  const { compare, spectrum } = kernels;

  // First and once, as a job does it: memory is what the process ever had, above what it has with the network loaded.
  const before = process.memoryUsage.rss();
  const start = performance.now();
  weightProfile(network, { layers: 'conv', seed: 0, compare, spectrum });
  const whole = (performance.now() - start) / 1000;
  yield { name: 'weight Dice profile resnet50 with null and spectrum', value: whole, unit: 's' };
  const peak = process.resourceUsage().maxRSS * 1024;
  yield { name: 'weight Dice profile resnet50 memory above the weights', value: (peak - before) / 1e6, unit: 'MB' };

  const matrices = kernelLayers(network, 'conv').map(({ kernels: matrix }) => matrix);
  const all = (comparison: Compare) => (): void => matrices.forEach((matrix) => comparison(matrix, { rescale: true }));
  yield { name: 'weight Dice profile resnet50', value: seconds(all(compare)), unit: 's' };
  yield { name: 'weight Dice profile resnet50 fast', value: seconds(all(kernels.compareQuantised)), unit: 's' };

  // N²D: the time of a pair value stays the same when N or D doubles.
  for (const [count, size] of [
    [512, 2048],
    [1024, 2048],
    [2048, 2048],
    [512, 4096],
    [512, 8192],
  ]) {
    const matrix = randomMatrix(count, size);
    const time = seconds(() => compare(matrix, { rescale: true }));
    yield {
      name: `Dice time of a pair value, N ${count}, D ${size}`,
      value: (time * 1e12) / ((count * (count - 1) * size) / 2),
      unit: 'ps',
    };
  }

  const engine = await openEngine({ backend, threads });
  const images = randomImages(PROBE_IMAGES, 32, 10);
  const options = { positionsPerImage: POSITIONS_PER_IMAGE, seed: 0 };
  const forward: number[] = [];
  const compared: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    const samples = await engine.activations(resnet20(), images, options);
    const middle = performance.now();
    activationProfile(samples, { seed: 0, compare, spectrum });
    if (run > 0) forward.push((middle - start) / 1000);
    if (run > 0) compared.push((performance.now() - middle) / 1000);
  }
  yield { name: `activation Dice profile resnet20 ${PROBE_IMAGES} images, forward`, value: median(forward), unit: 's' };
  yield { name: `activation Dice profile resnet20 ${PROBE_IMAGES} images, similarity`, value: median(compared), unit: 's' };
  kernels.close();
}

function randomMatrix(count: number, size: number): KernelMatrix {
  const random = createRandom(count + size);
  return { count, size, values: Float32Array.from({ length: count * size }, () => random.next() - 0.5) };
}

/** Median of several runs, after one that compiles and starts the threads. */
function seconds(work: () => void): number {
  const times: number[] = [];
  for (let run = 0; run <= RUNS; run++) {
    const start = performance.now();
    work();
    if (run > 0) times.push((performance.now() - start) / 1000);
  }
  return median(times);
}
