import { openEngine } from '../../src/engine/index.ts';
import type { BenchOptions, Figure } from './types.ts';
import { randomImages, recipeOf, resnet20 } from './networks.ts';

const STEPS = 1000;
const BATCH = 32;
/** Steps after which everything that is allocated once has been. */
const SETTLED_STEPS = 100;

/** What a thousand training steps leave behind: the process's memory at the end less that after the first hundred. */
export async function* memory(options: BenchOptions): AsyncGenerator<Figure> {
  const engine = await openEngine(options);
  const images = randomImages(STEPS * BATCH, 32, 10);
  let settledBytes: number | undefined;
  await engine.train(
    resnet20(),
    images,
    randomImages(8, 32, 10),
    recipeOf(BATCH, { horizontalFlip: true, rotationDegrees: 10, shift: 0.08 }),
    {
      onProgress({ phase, done }) {
        if (phase.startsWith('train') && done >= SETTLED_STEPS * BATCH) settledBytes ??= process.memoryUsage.rss();
      },
    },
  );
  const grownBytes = process.memoryUsage.rss() - (settledBytes ?? 0);
  yield { name: `resnet20 train batch ${BATCH} memory growth`, value: grownBytes / 1e6, unit: `MB in ${STEPS - SETTLED_STEPS} steps` };
}
