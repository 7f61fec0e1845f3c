import { openEngine } from '../../src/engine/index.ts';
import type { BenchOptions, Figure } from './types.ts';
import { resnet20, resnet50 } from './networks.ts';

/** Images a second through the folded network, median of several batches. */
export async function* infer(options: BenchOptions): AsyncGenerator<Figure> {
  const engine = await openEngine(options);
  for (const [name, network, batchSize, runs] of [
    ['resnet20', resnet20(), 256, 10],
    ['resnet50', resnet50(), 8, 5],
  ] as const) {
    const [{ medianMs }] = await engine.latency([network], { batchSize, runs });
    yield { name: `${name} infer batch ${batchSize}`, value: (batchSize * 1000) / medianMs, unit: 'images/s' };
  }
}
