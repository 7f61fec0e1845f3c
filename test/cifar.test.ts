import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import type { ImageSet } from '../src/core/images.ts';
import { evaluateLogits } from '../src/core/stats/index.ts';
import { openEngine } from '../src/engine/index.ts';
import type { Engine } from '../src/engine/types.ts';
import { openArchive } from '../src/formats/archive.ts';
import { decodeImage } from '../src/formats/images.ts';
import { readModel } from '../src/formats/models/index.ts';

// The whole reading side at once (archive, JPEG, weights, architecture, engine) against PyTorch's accuracy.

const data = fileURLToPath(new URL('../../shared/data/', import.meta.url));
const archive = `${data}cifar10-jpeg.tar.gz`;
const SIDE = 32;
const CLASSES = ['airplane', 'automobile', 'bird', 'cat', 'deer', 'dog', 'frog', 'horse', 'ship', 'truck'];

async function testImages(): Promise<ImageSet> {
  const read: { label: number; pixels: Promise<Uint8Array> }[] = [];
  for await (const entry of openArchive(archive)) {
    const [split, name] = entry.name.split('/').slice(-3);
    if (split !== 'test' || !entry.name.endsWith('.jpg')) continue;
    const bytes = await entry.read();
    read.push({ label: CLASSES.indexOf(name), pixels: decodeImage(bytes, { height: SIDE, width: SIDE }, entry.name) });
  }
  const pixels = new Uint8Array(read.length * SIDE * SIDE * 3);
  for (const [i, image] of read.entries()) pixels.set(await image.pixels, i * SIDE * SIDE * 3);
  return { count: read.length, height: SIDE, width: SIDE, pixels, labels: Int32Array.from(read, ({ label }) => label) };
}

describe.skipIf(!existsSync(archive))('CIFAR ResNets on the JPEG test images (needs ../shared/data)', () => {
  let images: ImageSet;
  let engine: Engine;
  beforeAll(async () => {
    images = await testImages();
    engine = await openEngine({});
  }, 120_000);

  it.each([
    [20, 0.8103],
    [32, 0.8256],
    [56, 0.832],
  ])('ResNet-%i has the accuracy that PyTorch gives', async (depth, accuracy) => {
    const { network } = await readModel(`${data}weights/resnet${depth}-cifar10.safetensors`, {
      fileName: `resnet${depth}-cifar10.safetensors`,
      architecture: `cifar-resnet${depth}`,
    });
    const logits = await engine.logits(network, images);
    expect(images.count).toBe(10_000);
    expect(Math.abs(evaluateLogits(logits, images.labels, CLASSES.length, { seed: 0 }).accuracy.value - accuracy)).toBeLessThan(0.001);
  });
});
