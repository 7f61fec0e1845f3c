import { firstImages } from '../../../src/core/images.ts';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openEngine } from '../../../src/engine/index.ts';
import { readModel } from '../../../src/formats/models/index.ts';
import { sourceImages, sources } from '../../zoo/sources.ts';
import { progressLine } from '../../progress.ts';
import { openStore, root } from '../store.ts';
import { pruningDocument, type Measured } from './report.ts';
import { keyOf, methods, outcomeSchema, runOne, seeds } from './runs.ts';

/** Half of them, so that a run takes about a minute on two cores. */
const TRAIN_IMAGES = 20_000;
/** Enough to choose an epoch by. */
const VALIDATION_IMAGES = 2000;
const WEIGHTS = 'resnet20-cifar10.safetensors';

/**
 * Does a real pruning keep the accuracy (issue "engine")? Measures what has not been measured yet, method after method for one
 * seed and then the next, and writes docs/pruning.md after each run.
 */
export async function pruning({ only, threads }: { readonly only: readonly string[]; readonly threads: number }): Promise<void> {
  const all = await sourceImages(sources().cifar, [], { seed: 0, name: 'cifar-all', onProgress: progressLine('CIFAR-10') });
  const [train, validation] = [firstImages(all.train, TRAIN_IMAGES), firstImages(all.validation, VALIDATION_IMAGES)];
  const images = { ...all, train, validation, classes: all.classNames.length };
  const about = { fileName: WEIGHTS, architecture: 'cifar-resnet20' };
  const { network: base } = await readModel(join(root, '../shared/data/weights', WEIGHTS), about);
  const store = await openStore('pruning', outcomeSchema);
  const engine = await openEngine({ threads });

  const document = async (): Promise<void> => {
    const measured: Measured[] = [];
    for (const method of methods) {
      for (const seed of seeds) {
        const outcome = await store.get(keyOf(method, seed));
        if (outcome) measured.push({ method, seed, outcome });
      }
    }
    if (measured.length === 0) return;
    const command = 'npm run -s evidence -- pruning';
    const stamp = `${engine.info.backend} ${engine.info.version}`;
    const text = pruningDocument(measured, { labels: images.test.labels, trainImages: images.train.count, command, engine: stamp });
    await mkdir(join(root, 'docs'), { recursive: true });
    await writeFile(join(root, 'docs/pruning.md'), text);
  };

  for (const seed of seeds) {
    for (const method of methods) {
      const key = keyOf(method, seed);
      if ((only.length > 0 && !only.includes(key)) || (await store.get(key))) continue;
      await store.put(key, await runOne(engine, base, images, { method, seed, store, onProgress: progressLine(key) }));
      await document();
    }
  }
  await document();
}
