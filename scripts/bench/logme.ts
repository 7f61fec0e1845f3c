import { createRandom } from '../../src/core/random.ts';
import { median } from '../../src/core/stats/index.ts';
import { decompose, logMe } from '../../src/core/transfer/index.ts';
import { openEngine } from '../../src/engine/index.ts';
import type { BenchOptions, Figure } from './types.ts';

const IMAGES = 5000;
const CLASSES = 10;
const RUNS = 3;

/** LogME of standard normal features with random labels, as rivals' benches take it: from features to the value. */
export async function* logme(options: BenchOptions): AsyncGenerator<Figure> {
  const { linear } = await openEngine(options);
  const random = createRandom(0);
  const labels = Int32Array.from({ length: IMAGES }, () => random.integer(CLASSES));
  for (const dimensions of [512, 2048]) {
    const values = Float32Array.from({ length: IMAGES * dimensions }, random.normal);
    const seconds: number[] = [];
    for (let run = 0; run <= RUNS; run++) {
      const start = performance.now();
      logMe(decompose({ dimensions, values }, labels, CLASSES, linear));
      if (run > 0) seconds.push((performance.now() - start) / 1000);
    }
    yield { name: `LogME ${IMAGES}x${dimensions}`, value: median(seconds), unit: 's' };
  }
}
