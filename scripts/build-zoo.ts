/**
 * Trains the zoo's backbones from ../shared/data alone: `npm run build-zoo [-- --only NAME] [--epochs N]`.
 * Finished backbones are skipped (delete their folder in zoo/ to train them again); a stopped training goes on from its last epoch.
 */
import { existsSync } from 'node:fs';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { architectures, buildBackbone } from '../src/backbones/index.ts';
import type { ImageSet } from '../src/core/images.ts';
import { costOf } from '../src/core/network/index.ts';
import type { Progress } from '../src/core/progress.ts';
import { channelQuantiles } from '../src/core/stats/channel-quantiles.ts';
import { predict, wilson } from '../src/core/stats/index.ts';
import { openEngine, type Checkpoints, type Engine, type Recipe } from '../src/engine/index.ts';
import { importDataset, openDataset, type SplitName } from '../src/formats/datasets/index.ts';
import { zooFiles } from '../src/formats/zoo.ts';

const root = join(import.meta.dirname, '..');
const cache = join(root, '.cache/zoo');
const source = join(root, '../shared/data/cifar10-jpeg.tar.gz');

/** Left out of everything, so that they stay unseen targets for the recommendation to be judged on. */
const HELD_OUT = ['automobile', 'dog', 'frog', 'truck'];
/** Cheapest first. */
const BACKBONES = ['vgg-small', 'cifar-resnet20', 'squeezenet-small', 'custom-cnn', 'mobilenetv2-small'];
const SEED = 0;
/** Enough to choose an epoch by. */
const VALIDATION_IMAGES = 2000;
const QUANTILE_SAMPLE = { images: 512, positionsPerImage: 8, seed: SEED };

const { values: args } = parseArgs({ options: { only: { type: 'string' }, epochs: { type: 'string', default: '8' } } });

const recipe = {
  epochs: Number(args.epochs),
  batchSize: 128,
  learningRate: 3e-3,
  schedule: { kind: 'cosine', warmupEpochs: 1 },
  weightDecay: 0.02,
  augmentation: { horizontalFlip: true, rotationDegrees: 0, shift: 0.125 },
  tune: 'all',
  seed: SEED,
} satisfies Recipe;

async function main(): Promise<void> {
  const wanted = args.only === undefined ? BACKBONES : [args.only];
  const missing = wanted.filter((name) => !existsSync(join(root, 'zoo', name, 'card.json')));
  if (missing.length === 0) return console.log('The zoo is complete.');
  const data = await sourceImages();
  const engine = await openEngine();
  console.log(`engine ${engine.info.backend} ${engine.info.version}, ${engine.info.threads} threads; ${data.train.count} train images`);
  for (const name of missing) await build(engine, name, data);
}

type Data = Record<SplitName, ImageSet> & { readonly classNames: readonly string[] };

async function sourceImages(): Promise<Data> {
  const path = join(cache, 'source.dataset');
  if (!existsSync(path)) {
    await mkdir(cache, { recursive: true });
    const outputPath = `${path}.partial`;
    await importDataset(source, { fileName: 'cifar10-jpeg.tar.gz', seed: SEED, outputPath, exclude: HELD_OUT, onProgress: show });
    await rename(outputPath, path);
  }
  const dataset = await openDataset(path);
  const size = { height: 32, width: 32 };
  const train = await dataset.pack('train', size, { onProgress: show });
  const validation = await dataset.pack('validation', size, { onProgress: show });
  const test = await dataset.pack('test', size, { onProgress: show });
  await dataset.close();
  return { train, validation: firstOf(validation, VALIDATION_IMAGES), test, classNames: dataset.classNames };
}

/** Splits are in random order, so the first images are a random sample. */
function firstOf(images: ImageSet, count: number): ImageSet {
  const { height, width, pixels, labels } = images;
  return { count, height, width, pixels: pixels.subarray(0, count * height * width * 3), labels: labels.subarray(0, count) };
}

async function build(engine: Engine, name: string, { train, validation, test, classNames }: Data): Promise<void> {
  const { network: fresh, checkpoints, checkpointPath } = start(name, classNames);
  const result = await engine.train(fresh, train, validation, recipe, { checkpoints, onProgress: show });
  const { network, files } = zooFiles(result.network);

  const { predicted } = predict(await engine.logits(network, test), classNames.length);
  const right = predicted.reduce((sum, label, i) => sum + Number(label === test.labels[i]), 0);
  const sample = await engine.activations(network, firstOf(train, QUANTILE_SAMPLE.images), QUANTILE_SAMPLE);
  const quantiles = new Map([...sample].map(([conv, { values, channels }]) => [conv, channelQuantiles(values, channels)]));
  const { params, macs } = costOf(network);
  const accuracy = wilson(right, test.count);

  const folder = join(root, 'zoo', name);
  await mkdir(folder, { recursive: true });
  const card = {
    name,
    architecture: name,
    family: architectures().find(({ id }) => id === name)?.family ?? name,
    source: {
      dataset: 'CIFAR-10 (Krizhevsky 2009), images re-encoded as JPEG quality 75',
      trainImages: train.count,
      validationImages: validation.count,
      testImages: test.count,
    },
    classes: [...classNames],
    heldOutClasses: HELD_OUT,
    accuracy,
    params,
    macs,
    preprocessing: network.metadata.preprocessing,
    training: {
      seed: SEED,
      bestEpoch: result.bestEpoch,
      recipe: { ...recipe },
      engine: `${engine.info.backend} ${engine.info.version}`,
      command: `npm run build-zoo -- --only ${name} --epochs ${recipe.epochs}`,
    },
    quantiles: QUANTILE_SAMPLE,
    licence: 'Apache-2.0',
  };
  for (const [file, bytes] of files({ card, quantiles })) await writeFile(join(folder, file), bytes);
  await rm(checkpointPath, { force: true });
  const percent = [accuracy.value, accuracy.low, accuracy.high].map((share) => (100 * share).toFixed(1));
  console.log(
    `\n${name}: test ${percent[0]} [${percent[1]}, ${percent[2]}], epoch ${result.bestEpoch}, ${result.imagesPerSecond.toFixed(0)} images/s`,
  );
}

function start(name: string, classNames: readonly string[]) {
  const checkpointPath = join(cache, `${name}.checkpoint`);
  const checkpoints: Checkpoints = {
    load: async () => (existsSync(checkpointPath) ? readFile(checkpointPath) : undefined),
    save: async (bytes) => {
      await writeFile(`${checkpointPath}.partial`, bytes);
      await rename(`${checkpointPath}.partial`, checkpointPath);
    },
  };
  return { network: buildBackbone(name, { classNames, seed: SEED }), checkpoints, checkpointPath };
}

let shown = '';
/** One line a phase, rewritten in place on a terminal. */
function show({ phase, done, total, imagesPerSecond = 0, secondsLeft = 0, metrics = {} }: Progress): void {
  const figures = Object.entries(metrics).map(([name, value]) => `${name} ${value.toPrecision(3)}`);
  const line = `${phase} ${done}/${total} ${imagesPerSecond.toFixed(0)} images/s ${secondsLeft.toFixed(0)} s left ${figures.join(' ')}`;
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[K${line}`);
  else if (phase !== shown || done === total) console.log(line);
  shown = phase;
}

await main();
