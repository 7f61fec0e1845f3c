/**
 * Trains the zoo's backbones from CIFAR-10 (../shared/data) and Fashion-MNIST: `npm run build-zoo [-- --only NAME ...] [--fashion DIR]`.
 * Finished backbones are skipped (delete their folder in zoo/ to train them again); a stopped training goes on from its last epoch.
 * Two of it with different `--only` use two cores.
 */
import { firstImages } from '../src/core/images.ts';
import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { architectures, buildBackbone } from '../src/backbones/index.ts';
import { costOf } from '../src/core/network/index.ts';
import type { Network } from '../src/core/network/types.ts';
import { channelQuantiles } from '../src/core/stats/channel-quantiles.ts';
import { predict, wilson } from '../src/core/stats/index.ts';
import { openEngine, type Engine, type Recipe } from '../src/engine/index.ts';
import { zooFiles } from '../src/formats/zoo.ts';
import { fileCheckpoints } from '../src/jobs/checkpoints.ts';
import { progressLine } from './progress.ts';
import { cacheFolder, sourceImages, sources, type Source, type SourceImages } from './zoo/sources.ts';

const root = join(import.meta.dirname, '..');

const { values: args } = parseArgs({ options: { only: { type: 'string', multiple: true }, fashion: { type: 'string' } } });
const { cifar, fashion } = sources(args.fashion);

interface Member {
  readonly name: string;
  readonly architecture: string;
  readonly source: Source;
}
const MEMBERS: readonly Member[] = [
  { name: 'vgg-small', architecture: 'vgg-small', source: cifar },
  { name: 'cifar-resnet20', architecture: 'cifar-resnet20', source: cifar },
  { name: 'squeezenet-small', architecture: 'squeezenet-small', source: cifar },
  { name: 'custom-cnn', architecture: 'custom-cnn', source: cifar },
  { name: 'fashion-resnet20', architecture: 'cifar-resnet20', source: fashion },
  { name: 'fashion-vgg-small', architecture: 'vgg-small', source: fashion },
  { name: 'fashion-densenet-small', architecture: 'densenet-small', source: fashion },
  { name: 'fashion-mobilenetv2-small', architecture: 'mobilenetv2-small', source: fashion },
];
const SEED = 0;
/** One thread trains to the same bits again whatever else the machine does. */
const THREADS = 1;
/** Enough to choose an epoch by. */
const VALIDATION_IMAGES = 2000;
const QUANTILE_SAMPLE = { images: 512, positionsPerImage: 8, seed: SEED };

const recipe = {
  batchSize: 128,
  learningRate: 3e-3,
  schedule: { kind: 'cosine', warmupEpochs: 1 },
  weightDecay: 0.02,
  augmentation: { horizontalFlip: true, rotationDegrees: 0, shift: 0.125 },
  tune: 'all',
  seed: SEED,
} satisfies Omit<Recipe, 'epochs'>;

async function main(): Promise<void> {
  const wanted = MEMBERS.filter(({ name }) => args.only?.includes(name) ?? true);
  const missing = wanted.filter(({ name }) => !existsSync(join(root, 'zoo', name, 'card.json')));
  if (missing.length === 0) return console.log('The zoo is complete.');
  const engine = await openEngine({ threads: THREADS });
  for (const source of new Set(missing.map((member) => member.source))) {
    const images = await sourceImages(source, source.heldOut, { seed: SEED, name: source.id, onProgress: progressLine(source.id) });
    console.log(`engine ${engine.info.backend} ${engine.info.version}; ${source.title}: ${images.train.count} train images`);
    for (const member of missing.filter((one) => one.source === source)) await build(engine, member, images);
  }
}

async function build(engine: Engine, { name, architecture, source }: Member, images: SourceImages): Promise<void> {
  const { train, test, classNames } = images;
  const validation = firstImages(images.validation, VALIDATION_IMAGES);
  const inputShape = [source.side, source.side, 3] as const;
  const fresh = buildBackbone(architecture, { classNames, seed: SEED, inputShape, preprocessing: source.preprocessing });
  const checkpointPath = join(cacheFolder, `${name}.checkpoint`);
  const checkpoints = fileCheckpoints(cacheFolder, name);
  const onProgress = progressLine(name);
  const epochs = source.epochs;
  const result = await engine.train(named(fresh, name), train, validation, { ...recipe, epochs }, { checkpoints, onProgress });
  const { network, files } = zooFiles(result.network);

  const { predicted } = predict(await engine.logits(network, test), classNames.length);
  const right = predicted.reduce((sum, label, i) => sum + Number(label === test.labels[i]), 0);
  const sample = await engine.activations(network, firstImages(train, QUANTILE_SAMPLE.images), QUANTILE_SAMPLE);
  const quantiles = new Map([...sample].map(([conv, { values, channels }]) => [conv, channelQuantiles(values, channels)]));
  const { params, macs } = costOf(network);
  const accuracy = wilson(right, test.count);

  const folder = join(root, 'zoo', name);
  await mkdir(folder, { recursive: true });
  const card = {
    name,
    architecture,
    family: architectures().find(({ id }) => id === architecture)?.family ?? architecture,
    source: {
      dataset: source.title,
      trainImages: train.count,
      validationImages: validation.count,
      testImages: test.count,
    },
    classes: [...classNames],
    heldOutClasses: source.heldOut.map((label) => source.names?.[Number(label)] ?? label),
    accuracy,
    params,
    macs,
    preprocessing: network.metadata.preprocessing,
    training: {
      seed: SEED,
      bestEpoch: result.bestEpoch,
      recipe: { ...recipe, epochs },
      engine: `${engine.info.backend} ${engine.info.version}, ${THREADS} thread`,
      command: `npm run build-zoo -- --only ${name}`,
    },
    quantiles: QUANTILE_SAMPLE,
    licence: 'Apache-2.0',
  };
  for (const [file, bytes] of files({ card, quantiles })) await writeFile(join(folder, file), bytes);
  await rm(checkpointPath, { force: true });
  const percent = [accuracy.value, accuracy.low, accuracy.high].map((share) => (100 * share).toFixed(1));
  const epoch = `best epoch ${result.bestEpoch} of ${epochs}`;
  console.log(`\n${name}: test ${percent[0]} [${percent[1]}, ${percent[2]}], ${epoch}, ${result.imagesPerSecond.toFixed(0)} images/s`);
}

function named(network: Network, name: string): Network {
  return { ...network, metadata: { ...network.metadata, name } };
}

await main();
