import { weightProfile } from '../../core/dice/index.ts';
import { costOf, inferShapes, kernelLayers, logitsNode, type Network } from '../../core/network/index.ts';
import type { Engine } from '../../engine/types.ts';
import { writeTfjsZip } from '../../formats/models/index.ts';
import { decodeNetwork, encodeNetwork, networkHash } from '../../formats/network.ts';
import type { Cost, EngineStamp } from '../../schema/common.ts';
import type { ModelSummary } from '../../schema/models.ts';
import type { ProfileResult } from '../../schema/profiles.ts';
import type { Blobs, ImportedModel, ModelRef } from '../types.ts';

/** The registered model's network, from its blob. */
export async function loadNetwork(blobs: Blobs, model: ModelRef): Promise<Network> {
  return decodeNetwork(await blobs.read(model.blob), model.name);
}

/** Cost of the whole network, without the figures by layer. */
export function totalCost(network: Network): Cost {
  const { macs, flops, params, bytes } = costOf(network);
  return { macs, flops, params, bytes };
}

/** What the API tells of a model. */
export function summarise(network: Network, format: ModelSummary['format'], sourceAccuracy: number | null): ModelSummary {
  const { metadata } = network;
  const input = network.nodes[0];
  const convolutions = kernelLayers(network, 'conv');
  const classes = (inferShapes(network).get(logitsNode(network).id) ?? []).at(-1) ?? 0;
  return {
    name: metadata.name,
    architecture: metadata.architecture ?? null,
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
    sourceAccuracy,
  };
}

/** The weight profile that every registered model has. */
export function profileWeights(network: Network, options: { layers: 'conv' | 'all'; seed: number }): ProfileResult {
  return { ...profileDocument(weightProfile(network, options)), images: null, positionsPerImage: null, notes: [], engine: null };
}

/** core/dice's profile with plain mutable arrays, as the schema types it. */
export function profileDocument(profile: ReturnType<typeof weightProfile>) {
  return structuredClone(profile) as Omit<ProfileResult, 'images' | 'positionsPerImage' | 'notes' | 'engine'>;
}

/** Writes a network's blobs (stored form and tfjs export) and describes it, ready to become a model row. */
export async function registerable(
  blobs: Blobs,
  network: Network,
  { format, sourceAccuracy = null }: { format: ModelSummary['format']; sourceAccuracy?: number | null },
): Promise<ImportedModel> {
  const profile = profileWeights(network, { layers: 'conv', seed: 0 });
  return {
    network: await blobs.write(encodeNetwork(network)),
    tfjs: await blobs.write(await writeTfjsZip(network)),
    contentHash: networkHash(network),
    summary: summarise(network, format, sourceAccuracy),
    profile,
  };
}

/** What made a result; reasons and speed checks are `espalier engine info`'s. */
export function stampOf({ info: { backend, version, threads, device } }: Engine): EngineStamp {
  return { backend, version, threads, device };
}
