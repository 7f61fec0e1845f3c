import { openEngine } from '../../src/engine/index.ts';
import type { BenchOptions, Figure } from './types.ts';
import { randomImages, recipeOf, resnet20 } from './networks.ts';

const STEPS = 20;
const WARM_UP_STEPS = 3;

/** ResNet-20 in CIFAR's shape: input made from pixels, forward, backward and optimizer. */
export async function* train(options: BenchOptions): AsyncGenerator<Figure> {
  const engine = await openEngine(options);
  const validation = randomImages(8, 32, 10);
  for (const batchSize of [32, 128]) {
    const recipe = recipeOf(batchSize, { horizontalFlip: false, rotationDegrees: 0, shift: 0 });
    const run = async (steps: number): Promise<number> =>
      (await engine.train(resnet20(), randomImages(steps * batchSize, 32, 10), validation, recipe)).imagesPerSecond;
    await run(WARM_UP_STEPS);
    yield { name: `resnet20 train batch ${batchSize}`, value: await run(STEPS), unit: 'images/s' };
  }
}
