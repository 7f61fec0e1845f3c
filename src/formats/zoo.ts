import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { Failure } from '../core/failure.ts';
import type { Network, Tensor } from '../core/network/types.ts';
import { parseSafetensors, writeSafetensors } from './models/safetensors.ts';
import { decodeNetwork, encodeNetwork, networkHash } from './network.ts';

/**
 * The zoo: backbones that come with the service, one folder each.
 *
 *     NAME/card.json              what it is, what it was trained on and how
 *     NAME/weights.safetensors    encodeNetwork's form, kernels in float16
 *     NAME/quantiles.safetensors  per convolution, channels × 32 quantiles of its activations on the source, float16
 */
const CARD = 'card.json';
const WEIGHTS = 'weights.safetensors';
const QUANTILES = 'quantiles.safetensors';

const share = z.number().min(0).max(1);
const count = z.int().min(1);
const triple = z.tuple([z.number(), z.number(), z.number()]).readonly();

const cardSchema = z.object({
  name: z.string().regex(/^[a-z0-9-]+$/),
  /** Id in backbones/. */
  architecture: z.string(),
  family: z.string(),
  source: z.object({ dataset: z.string(), trainImages: count, validationImages: count, testImages: count }),
  /** What it was trained on, in the order of the logits. */
  classes: z.array(z.string()),
  /** Classes of the source that no image of was seen, neither to train nor to choose an epoch. */
  heldOutClasses: z.array(z.string()),
  /** Top-1 on the source's test images of the trained classes, with its Wilson interval. */
  accuracy: z.object({ value: share, low: share, high: share }),
  params: count,
  /** Of one image, convolutions and dense layers. */
  macs: count,
  preprocessing: z.object({ scale: z.number(), mean: triple, std: triple, resize: z.literal('shorter-side-centre-crop') }),
  training: z.object({
    seed: z.int(),
    bestEpoch: count,
    recipe: z.looseObject({ epochs: count, batchSize: count, learningRate: z.number(), weightDecay: z.number() }),
    engine: z.string(),
    command: z.string(),
  }),
  /** How the activation quantiles were taken, from train images. */
  quantiles: z.object({ images: count, positionsPerImage: count, seed: z.int() }),
  licence: z.string(),
  /** networkHash of the weights as stored. */
  hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type ZooCard = z.infer<typeof cardSchema>;

/** Cards of all backbones, by name; none where the folder is missing. */
export async function listZoo(zooFolder: string): Promise<ZooCard[]> {
  const names = await namesIn(zooFolder);
  return Promise.all(names.map((name) => readCard(zooFolder, name)));
}

/**
 * One backbone with its card.
 *
 * @throws Failure `not-found` listing the names that there are; `malformed-file` when card and weights do not belong together
 */
export async function readZoo(zooFolder: string, name: string): Promise<{ network: Network; card: ZooCard }> {
  const card = await readCard(zooFolder, name);
  const network = decodeNetwork(await readFile(join(zooFolder, name, WEIGHTS)), `zoo:${name}`);
  if (networkHash(network) !== card.hash) throw damaged(name, 'its weights are not those that its card describes');
  return { network, card };
}

/** Activation quantiles of a backbone on its source, keyed by the convolution's node id: channels × 32. Throws as {@link readZoo}. */
export async function readZooQuantiles(zooFolder: string, name: string): Promise<ReadonlyMap<string, Tensor>> {
  await requireName(zooFolder, name);
  return parseSafetensors(await readFile(join(zooFolder, name, QUANTILES)), `zoo:${name}`).tensors;
}

/**
 * A backbone as the files of its folder, and as it will be read back: float16 rounds the kernels, so figures of the card are to be
 * measured on `network`. The card comes last: a folder with a card is complete.
 */
export function zooFiles(trained: Network): {
  network: Network;
  files(about: { card: Omit<ZooCard, 'hash'>; quantiles: ReadonlyMap<string, Tensor> }): [name: string, bytes: Uint8Array][];
} {
  const weights = encodeNetwork(trained, { precision: 'float16' });
  const network = decodeNetwork(weights);
  return {
    network,
    files: ({ card, quantiles }) => [
      [WEIGHTS, weights],
      [QUANTILES, writeSafetensors(quantiles, {}, 'float16')],
      [CARD, Buffer.from(`${JSON.stringify({ ...card, hash: networkHash(network) }, null, 2)}\n`)],
    ],
  };
}

async function namesIn(zooFolder: string): Promise<string[]> {
  const found = await readdir(zooFolder, { withFileTypes: true }).catch(() => []);
  return found
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}

async function requireName(zooFolder: string, name: string): Promise<void> {
  const names = await namesIn(zooFolder);
  if (names.includes(name)) return;
  throw new Failure('not-found', `The zoo has no backbone "${name}".`, { hint: `It has ${names.join(', ') || 'none'}.`, field: 'source' });
}

async function readCard(zooFolder: string, name: string): Promise<ZooCard> {
  await requireName(zooFolder, name);
  try {
    return cardSchema.parse(JSON.parse(await readFile(join(zooFolder, name, CARD), 'utf8')));
  } catch (cause) {
    throw damaged(name, 'its card is missing or incomplete', cause);
  }
}

function damaged(name: string, what: string, cause?: unknown): Failure {
  return new Failure('malformed-file', `The zoo's backbone "${name}" is damaged: ${what}.`, {
    hint: 'Restore the zoo folder from the repository.',
    field: name,
    cause,
  });
}
