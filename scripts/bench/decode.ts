import sharp from 'sharp';
import { createRandom } from '../../src/core/random.ts';
import { augmenterOf } from '../../src/engine/augment.ts';
import { batchesOf } from '../../src/engine/pixels.ts';
import { openEngine } from '../../src/engine/index.ts';
import { decodeImage } from '../../src/formats/images.ts';
import { buildBackbone } from '../../src/backbones/index.ts';
import type { BenchOptions, Figure } from './types.ts';
import { randomImages, resnet20 } from './networks.ts';

const CONCURRENCY = 8;
const augmentation = { horizontalFlip: true, rotationDegrees: 10, shift: 0.08, crop: 0.8, erasing: 0.1 };

/** Input alone: JPEG files to pixels, and pixels to augmented batches; to be faster than `train` consumes them. */
export async function* decode(options: BenchOptions): AsyncGenerator<Figure> {
  await openEngine(options);
  for (const { side, files, batchSize, network } of [
    { side: 32, files: 4000, batchSize: 128, network: resnet20() },
    { side: 224, files: 300, batchSize: 32, network: buildBackbone('resnet18', { seed: 1 }) },
  ]) {
    const bytes = await jpegOf(side);
    let left = files;
    const decodeSome = async (): Promise<void> => {
      while (left-- > 0) await decodeImage(bytes, { height: side, width: side });
    };
    const decodeMs = await timed(() => Promise.all(Array.from({ length: CONCURRENCY }, decodeSome)));
    yield { name: `decode JPEG ${side}`, value: (files * 1000) / decodeMs, unit: 'images/s' };

    const batches = batchesOf(network, randomImages(batchSize, side, 10));
    const augment = augmenterOf(augmentation, createRandom(1));
    const indices = Int32Array.from({ length: batchSize }, (_, i) => i);
    const rounds = Math.ceil(files / batchSize);
    const makeBatch = (): unknown => batches.images(indices, augment).dispose();
    makeBatch();
    const augmentMs = await timed(() => {
      for (let round = 0; round < rounds; round++) makeBatch();
    });
    yield { name: `augment ${side}`, value: (rounds * batchSize * 1000) / augmentMs, unit: 'images/s' };
  }
}

/** A photograph's share of smooth and busy places; noise alone would be ten times the bytes. */
async function jpegOf(side: number): Promise<Uint8Array> {
  const { pixels } = randomImages(1, Math.ceil(side / 4), 10);
  const raw = { width: Math.ceil(side / 4), height: Math.ceil(side / 4), channels: 3 as const };
  return sharp(pixels.subarray(0, pixels.length), { raw }).resize(side, side, { kernel: 'cubic' }).jpeg({ quality: 85 }).toBuffer();
}

async function timed(run: () => unknown): Promise<number> {
  const begun = performance.now();
  await run();
  return performance.now() - begun;
}
