import { familyOf } from '../../backbones/index.ts';
import { weightProfile } from '../../core/dice/index.ts';
import { costOf, inferShapes, kernelLayers, logitsNode, type Network } from '../../core/network/index.ts';
import type { Engine } from '../../engine/types.ts';
import { writeTfjsZip } from '../../formats/models/index.ts';
import { decodeNetwork, encodeNetwork, networkHash } from '../../formats/network.ts';
import type { Cost, EngineStamp } from '../../schema/common.ts';
import type { ModelSummary } from '../../schema/models.ts';
import type { Precision, ProfileResult } from '../../schema/profiles.ts';
import type { OnProgress } from '../../core/progress.ts';
import { storedMagnitudes } from '../magnitudes.ts';
import type { BlobRef, Blobs, ImportedModel, JobContext, ModelRef, StoredProfile } from '../types.ts';
import { type Profiled, profiled, writeTriangles } from './dice.ts';

type Storage = Pick<JobContext<'import-model'>, 'blobs' | 'cache'>;

/** The registered model's network, from its blob. */
export async function loadNetwork(blobs: Blobs, model: ModelRef): Promise<Network> {
  return decodeNetwork(await blobs.read(model.blob), model.name);
}

/** Cost of the whole network, without the figures by layer. */
export function totalCost(network: Network): Cost {
  const { macs, flops, params, bytes } = costOf(network);
  return { macs, flops, params, bytes };
}

/** Where a network comes from, as far as it is told. */
export interface Origin {
  readonly format: ModelSummary['format'];
  readonly sourceAccuracy?: number | null;
  /** SPDX id. */
  readonly licence?: string | null;
  /** What was fetched. */
  readonly origin?: string | null;
}

/** What the API tells of a model. */
export function summarise(network: Network, { format, sourceAccuracy = null, licence = null, origin = null }: Origin): ModelSummary {
  const { metadata } = network;
  const input = network.nodes[0];
  const convolutions = kernelLayers(network, 'conv');
  const classes = (inferShapes(network).get(logitsNode(network).id) ?? []).at(-1) ?? 0;
  return {
    name: metadata.name,
    architecture: metadata.architecture ?? null,
    family: familyOf(metadata.architecture),
    licence,
    format,
    inputShape: input.kind === 'Input' ? [...input.config.shape] : [],
    classNames: metadata.classNames ? [...metadata.classNames] : null,
    classes,
    cost: totalCost(network),
    convolutions: convolutions.length,
    kernels: convolutions.reduce((sum, { kernels }) => sum + kernels.count, 0),
    preprocessing: {
      channelOrder: 'rgb',
      scale: metadata.preprocessing.scale,
      mean: [...metadata.preprocessing.mean],
      std: [...metadata.preprocessing.std],
      resize: metadata.preprocessing.resize,
    },
    assumptions: [...(metadata.assumptions ?? [])],
    origin,
    sourceAccuracy,
  };
}

interface WeightProfileOptions {
  readonly layers: 'conv' | 'all';
  readonly seed: number;
  readonly precision?: Precision;
  readonly onProgress?: OnProgress;
}

/** Dice profile of the weights with its matrices' blob. */
export async function storeWeightProfile(blobs: Blobs, network: Network, options: WeightProfileOptions): Promise<StoredProfile> {
  const { document, triangles } = profileOfWeights(network, options);
  return { profile: weightDocument(document), matrices: (await writeTriangles(blobs, triangles)).hash };
}

/** Dice profile of the weights. */
export function profileWeights(network: Network, options: WeightProfileOptions): ProfileResult {
  return weightDocument(profileOfWeights(network, options).document);
}

function profileOfWeights(network: Network, { precision = 'exact', ...options }: WeightProfileOptions): Profiled {
  return profiled(precision, (tools) => weightProfile(network, { ...options, ...tools }));
}

function weightDocument(document: Profiled['document']): ProfileResult {
  return { ...document, images: null, positionsPerImage: null, notes: [], engine: null };
}

/** Writes the stored form of a network, and keeps what plans alone ask of its weights. */
export async function writeWeights({ blobs, cache }: Storage, network: Network): Promise<BlobRef> {
  const stored = await blobs.write(encodeNetwork(network));
  await storedMagnitudes(cache, stored.hash, network);
  return stored;
}

/** Writes a network's blobs (stored form and tfjs export) and describes it, ready to become a model row. */
export async function registerable(
  { blobs, cache }: Storage,
  network: Network,
  { onProgress, ...origin }: Origin & { readonly onProgress?: OnProgress },
): Promise<ImportedModel> {
  return {
    network: await writeWeights({ blobs, cache }, network),
    tfjs: await blobs.write(await writeTfjsZip(network)),
    contentHash: networkHash(network),
    summary: summarise(network, origin),
    ...(await storeWeightProfile(blobs, network, { layers: 'conv', seed: 0, onProgress })),
  };
}

/** What made a result; reasons and speed checks are `espalier engine info`'s. */
export function stampOf({ info: { backend, version, threads, device } }: Engine): EngineStamp {
  return { backend, version, threads, device };
}
