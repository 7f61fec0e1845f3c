import { createHash } from 'node:crypto';
import type { Removal } from '../../core/prune/index.ts';
import type { ScoredCandidate } from '../../core/transfer/index.ts';
import type { Cost, EngineStamp } from '../../schema/common.ts';
import type { PruneTarget } from '../../schema/prunings.ts';
import type { PruningCurve, RecommendRequest } from '../../schema/recommendations.ts';
import type { Cache, DatasetRef, ModelRef } from '../types.ts';

// What is found out about one backbone on one dataset is kept in the cache of derived files, by content: another question
// about the same two (other limits, another order) costs no pass over the images.

/** To be raised when what is computed changes. */
export const SCORES_VERSION = 1;

/** What one pass over the images tells of a network. */
export interface Observed {
  readonly scored: ScoredCandidate;
  /** Class of each image that was looked at; the same for every candidate of a dataset. */
  readonly labels: Int32Array;
  /** Share of kernels in a redundant pair of their layer. */
  readonly redundantShare: number | null;
  /** Activation diversity of the last third of the layers. */
  readonly lateDiversity: number | null;
  readonly cost: Cost;
  readonly engine: EngineStamp;
}

/** A candidate that does not fit the limits, cut to them. */
export interface Cut {
  readonly target: PruneTarget;
  /** Which channels leave. */
  readonly groups: readonly Removal[];
  readonly channelsRemoved: number;
  readonly channels: number;
  readonly latencyMs: number | null;
  readonly observed: Observed;
}

/** How a candidate stands to the limits. */
export interface Fit {
  /** Of the candidate as it is; measured where latency is limited. */
  readonly latencyMs: number | null;
  /** Whether runs took so nearly the same time that the machine was at rest. */
  readonly isSteady: boolean;
  /** Null where it fits as it is; why it cannot be made to fit. */
  readonly cut: Cut | { readonly failed: string } | null;
}

export type Limits = RecommendRequest['constraints'];

/** Whether it takes a measurement or a cut to tell how a model stands to the limits. */
export function needsFit({ summary: { cost } }: ModelRef, { flopsMax, paramsMax, latencyMsMax, afterPruning }: Limits): boolean {
  const over = cost.flops > (flopsMax ?? Number.POSITIVE_INFINITY) || cost.params > (paramsMax ?? Number.POSITIVE_INFINITY);
  return latencyMsMax !== undefined || (afterPruning && over);
}

interface Kinds {
  /** Or why this network cannot be looked at. */
  observed: Observed | { readonly failed: string };
  fit: Fit;
  curve: PruningCurve;
}

/** What an entry depends on beside the dataset. */
interface About {
  readonly model: Pick<ModelRef, 'contentHash'>;
  readonly seed: number;
  readonly limits?: Limits;
}

/** The entries of one dataset. */
export interface Entries {
  read<K extends keyof Kinds>(kind: K, about: About): Promise<Kinds[K] | undefined>;
  /** What is there, or else what is made now, and kept where it is worth it. */
  remember<K extends keyof Kinds>(
    kind: K,
    about: About,
    make: () => Promise<Kinds[K]>,
    isWorthKeeping?: (made: Kinds[K]) => boolean,
  ): Promise<Kinds[K]>;
}

export function openEntries(cache: Cache, dataset: Pick<DatasetRef, 'blob'>): Entries {
  const nameOf = (kind: keyof Kinds, { model, seed, limits }: About): string => {
    const about = [
      SCORES_VERSION,
      model.contentHash,
      seed,
      limits?.flopsMax,
      limits?.paramsMax,
      limits?.latencyMsMax,
      limits?.afterPruning,
    ];
    return `recommend-${kind}-${createHash('sha256').update(JSON.stringify(about)).digest('hex').slice(0, 32)}`;
  };
  const read: Entries['read'] = async <K extends keyof Kinds>(kind: K, about: About) => {
    const bytes = await cache.read(dataset.blob, nameOf(kind, about));
    return bytes && (JSON.parse(new TextDecoder().decode(bytes), revive) as Kinds[K]);
  };
  return {
    read,
    remember: async (kind, about, make, isWorthKeeping = () => true) => {
      const known = await read(kind, about);
      if (known !== undefined) return known;
      const made = await make();
      if (isWorthKeeping(made))
        await cache.write(dataset.blob, nameOf(kind, about), new TextEncoder().encode(JSON.stringify(made, replace)));
      return made;
    },
  };
}

const ARRAYS = { Float64Array, Int32Array } as const;
type ArrayName = keyof typeof ARRAYS;

const bytesOf = ({ buffer, byteOffset, byteLength }: Float64Array | Int32Array): Buffer => Buffer.from(buffer, byteOffset, byteLength);

/** Typed arrays as base64 of their bytes: to the last bit, and a tenth of the time that numbers in text take. */
function replace(_: string, value: unknown): unknown {
  if (value instanceof Float64Array) return { Float64Array: bytesOf(value).toString('base64') };
  if (value instanceof Int32Array) return { Int32Array: bytesOf(value).toString('base64') };
  return value;
}

function revive(_: string, value: unknown): unknown {
  if (value === null || typeof value !== 'object') return value;
  const [[name, text] = [], more] = Object.entries(value);
  if (more !== undefined || name === undefined || !(name in ARRAYS) || typeof text !== 'string') return value;
  const bytes = Uint8Array.from(Buffer.from(text, 'base64'));
  return new ARRAYS[name as ArrayName](bytes.buffer);
}
