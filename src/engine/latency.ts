import { logitsNode } from '../core/network/index.ts';
import type { Network, Node } from '../core/network/types.ts';
import { createRandom } from '../core/random.ts';
import { quantileOfSorted } from '../core/stats/index.ts';
import type { Backend } from './backend.ts';
import { forward, upload } from './execute.ts';
import { breathe } from './infer.ts';
import { planOf } from './plan.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';
import type { Latency } from './types.ts';

const WARM_UP_RUNS = 2;
/** Large networks are slow to measure, and their times vary less. */
const LONG_ENOUGH_MS = 5000;
const RUNS_MIN = 3;
const SPEED_CHECK_MS = 500;
const SPEED_CHECK_BATCH = 32;

/** See Engine.latency. */
export async function latency(
  backend: Backend,
  networks: readonly Network[],
  { batchSize, runs }: { readonly batchSize: number; readonly runs: number },
): Promise<Latency[]> {
  const runners = networks.map((network) => createRunner(backend, network, batchSize));
  try {
    const times = networks.map((): number[] => []);
    const begun = performance.now();
    for (let run = -WARM_UP_RUNS; run < runs; run++) {
      if (run >= RUNS_MIN && performance.now() - begun > LONG_ENOUGH_MS) break;
      for (const [at, runner] of runners.entries()) {
        const ms = runner.run();
        if (run >= 0) times[at].push(ms);
      }
      await breathe();
    }
    return times.map((ms) => {
      const sorted = Float64Array.from(ms).sort();
      return { medianMs: quantileOfSorted(sorted, 0.5), lowMs: quantileOfSorted(sorted, 0.25), highMs: quantileOfSorted(sorted, 0.75) };
    });
  } finally {
    for (const runner of runners) runner.dispose();
  }
}

/** See Engine.speedCheck: three 3×3 convolutions of 32 channels on 32×32 images. */
export async function speedCheck(backend: Backend): Promise<number> {
  const runner = createRunner(backend, checkNetwork(), SPEED_CHECK_BATCH);
  try {
    runner.run();
    let ms = 0;
    let images = 0;
    while (ms < SPEED_CHECK_MS) {
      ms += runner.run();
      images += SPEED_CHECK_BATCH;
      await breathe();
    }
    return (images * 1000) / ms;
  } finally {
    runner.dispose();
  }
}

function createRunner({ primitives }: Backend, network: Network, batchSize: number): { run(): number; dispose(): void } {
  const plan = planOf(network, logitsNode(network).id, { fuse: 'inference' });
  const weights = upload(plan);
  const random = createRandom(0);
  const size = plan.inputShape.reduce((product, side) => product * side, batchSize);
  const x: Tensor = tf.tensor(
    Float32Array.from({ length: size }, () => random.normal()),
    [batchSize, ...plan.inputShape],
  );
  return {
    run() {
      const begun = performance.now();
      const output = forward(primitives, plan, weights, x);
      // Reading the output waits for it where the device runs on its own.
      output.dataSync();
      output.dispose();
      return performance.now() - begun;
    },
    dispose: () => tf.dispose([x, ...weights.values()]),
  };
}

function checkNetwork(): Network {
  const channels = [3, 32, 32, 32];
  const nodes: Node[] = [{ id: 'input', kind: 'Input', inputs: [], config: { shape: [32, 32, 3] } }];
  const weights = new Map<string, { shape: number[]; data: Float32Array }>();
  for (const [at, filters] of channels.entries()) {
    if (at === 0) continue;
    nodes.push({
      id: `conv${at}`,
      kind: 'Conv2D',
      inputs: [nodes[at - 1].id],
      config: { filters, kernelSize: [3, 3], strides: [1, 1], padding: 'same', dilationRate: [1, 1], groups: 1, useBias: false },
    });
    const shape = [3, 3, channels[at - 1], filters];
    weights.set(`conv${at}/kernel`, { shape, data: new Float32Array(9 * channels[at - 1] * filters).fill(0.01) });
  }
  const preprocessing = { scale: 1, mean: [0, 0, 0], std: [1, 1, 1], resize: 'shorter-side-centre-crop' } as const;
  return { nodes, weights, metadata: { name: 'speed check', preprocessing } };
}
