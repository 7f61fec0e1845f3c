import { stat } from 'node:fs/promises';
import { placesOfTriangles } from '../core/dice/index.ts';
import { criteria, type StoredSimilarities } from '../core/prune/index.ts';
import type { Network } from '../core/network/index.ts';
import { openNetwork } from '../formats/network.ts';
import { limits } from '../limits.ts';
import type { PrunePlanView } from '../schema/prunings.ts';
import { arithmeticWith } from './handlers/dice.ts';
import { planAlone } from './handlers/plan-alone.ts';
import { isMeasured } from './handlers/search.ts';
import { storedMagnitudes } from './magnitudes.ts';
import type { Blobs, JobContext, JobInput } from './types.ts';

/** Where the Dice similarities of a model's convolutions are: triangles in float32, one layer after the other. */
export interface KnownSimilarities {
  readonly blob: string;
  readonly layers: readonly { readonly layer: string; readonly kernels: number }[];
}

/**
 * Whether a plan alone is made sooner than a job's process starts: its criterion looks at weights alone, its target is
 * known without measuring, and the model is not too large for it.
 */
export function isPlannedAtOnce({ request, model }: JobInput<'prune'>, known: KnownSimilarities | null): boolean {
  const { bytes } = model.summary.cost;
  if (request.plan) return bytes <= limits.planAtOnceBytesMax;
  const { readsOnce, needs, pairwise } = criteria[request.criterion];
  const isCompared = known !== null && readsOnce && request.source === 'weights' && request.layers === 'conv';
  const bytesMax = pairwise && !isCompared ? limits.planAtOncePairwiseBytesMax : limits.planAtOnceBytesMax;
  return bytes <= bytesMax && !isMeasured(request.target) && needs(request.source).length === 0;
}

/**
 * The plan, made in this process from the stored network, and as far as they are kept from sums over its kernels or from
 * the similarities that were stored with its profile: then no weights are read.
 *
 * @throws Failure as `planPruning`
 */
export async function planAtOnce(
  { blobs, cache }: Pick<JobContext<'prune'>, 'blobs' | 'cache'>,
  input: JobInput<'prune'>,
  known: KnownSimilarities | null,
): Promise<PrunePlanView> {
  const unused = (): never => {
    throw new Error('A plan at once needs neither engine nor images.');
  };
  const { request, model } = input;
  // A small network is compared again, so that its plan is the job's to the last bit.
  const isLarge = model.summary.cost.bytes > limits.planAtOncePairwiseBytesMax;
  const criterion = request.plan ? undefined : criteria[request.criterion];
  const network = await storedNetwork(blobs, model.blob);
  return planAlone(network, input, {
    engine: unused,
    images: unused,
    arithmetic: async () => arithmeticWith(),
    similarities: known && criterion?.compares && isLarge ? await readSimilarities(blobs, known) : undefined,
    magnitudes: criterion?.ofMagnitudes ? await storedMagnitudes(cache, model.blob, network) : undefined,
    progress: () => {},
    signal: new AbortController().signal,
  });
}

async function readSimilarities(blobs: Blobs, { blob, layers }: KnownSimilarities): Promise<StoredSimilarities> {
  const bytes = await blobs.read(blob);
  // A small file may lie anywhere in a shared buffer.
  const aligned = bytes.byteOffset % Float32Array.BYTES_PER_ELEMENT === 0 ? bytes : new Uint8Array(bytes);
  const values = new Float32Array(aligned.buffer, aligned.byteOffset, aligned.length / Float32Array.BYTES_PER_ELEMENT);
  const places = placesOfTriangles(layers.map(({ kernels }) => kernels));
  return new Map(layers.map(({ layer }, i) => [layer, values.subarray(places[i].from, places[i].from + places[i].length)]));
}

/** Networks that were planned with lately, by their blob, the latest last: who plans once mostly plans again. */
const recent = new Map<string, { readonly network: Network; readonly bytes: number }>();

async function storedNetwork(blobs: Blobs, hash: string): Promise<Network> {
  const entry = recent.get(hash) ?? (await opened(blobs, hash));
  recent.delete(hash);
  recent.set(hash, entry);
  let bytes = [...recent.values()].reduce((sum, one) => sum + one.bytes, 0);
  for (const [oldest, one] of recent) {
    if (bytes <= limits.recentNetworksBytesMax || oldest === hash) break;
    recent.delete(oldest);
    bytes -= one.bytes;
  }
  return entry.network;
}

async function opened(blobs: Blobs, hash: string): Promise<{ network: Network; bytes: number }> {
  const path = await blobs.localPath(hash);
  return { network: openNetwork(path), bytes: (await stat(path)).size };
}
