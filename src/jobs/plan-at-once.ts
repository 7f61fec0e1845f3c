import { criteria } from '../core/prune/index.ts';
import type { Network } from '../core/network/index.ts';
import { decodeNetwork } from '../formats/network.ts';
import { limits } from '../limits.ts';
import type { PrunePlanView } from '../schema/prunings.ts';
import { planAlone } from './handlers/plan-alone.ts';
import { isMeasured } from './handlers/search.ts';
import type { Blobs, JobInput } from './types.ts';

/**
 * Whether a plan alone is made sooner than a job's process starts: its criterion looks at weights alone, its target is
 * known without measuring, and the model is not too large for it.
 */
export function isPlannedAtOnce({ request, model }: JobInput<'prune'>): boolean {
  const { bytes } = model.summary.cost;
  if (request.plan) return bytes <= limits.planAtOnceBytesMax;
  const { needs, pairwise } = criteria[request.criterion];
  const bytesMax = pairwise ? limits.planAtOncePairwiseBytesMax : limits.planAtOnceBytesMax;
  return bytes <= bytesMax && !isMeasured(request.target) && needs(request.source).length === 0;
}

/**
 * The plan, made in this process from the stored network (our own file, not an untrusted one).
 *
 * @throws Failure as `planPruning`
 */
export async function planAtOnce(blobs: Blobs, input: JobInput<'prune'>): Promise<PrunePlanView> {
  const unused = (): never => {
    throw new Error('A plan at once needs neither engine nor images.');
  };
  return planAlone(await storedNetwork(blobs, input.model.blob), input, {
    engine: unused,
    images: unused,
    progress: () => {},
    signal: new AbortController().signal,
  });
}

/** Networks that were planned with lately, by their blob, the latest last: who plans once mostly plans again. */
const recent = new Map<string, { readonly network: Network; readonly bytes: number }>();

async function storedNetwork(blobs: Blobs, hash: string): Promise<Network> {
  const known = recent.get(hash);
  recent.delete(hash);
  const entry = known ?? (await read(blobs, hash));
  recent.set(hash, entry);
  let bytes = [...recent.values()].reduce((sum, one) => sum + one.bytes, 0);
  for (const [oldest, one] of recent) {
    if (bytes <= limits.recentNetworksBytesMax || oldest === hash) break;
    recent.delete(oldest);
    bytes -= one.bytes;
  }
  return entry.network;
}

async function read(blobs: Blobs, hash: string): Promise<{ network: Network; bytes: number }> {
  const bytes = await blobs.read(hash);
  return { network: decodeNetwork(bytes), bytes: bytes.length };
}
