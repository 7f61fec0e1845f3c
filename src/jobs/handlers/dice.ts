import { loadConfig } from '../../config.ts';
import {
  activationProfile,
  type Compare,
  measuredError,
  type ModelProfile,
  type ProfileOptions,
  type SampledActivations,
} from '../../core/dice/index.ts';
import { gramOfRows } from '../../core/linear/gram.ts';
import type { OnProgress } from '../../core/progress.ts';
import type { Arithmetic } from '../../core/prune/index.ts';
import { createRandom } from '../../core/random.ts';
import type { Engine } from '../../engine/types.ts';
import { openDiceKernels, type DiceKernels } from '../../kernels/dice.ts';
import type { BlobRef, Blobs } from '../types.ts';
import type { Precision, ProfileResult } from '../../schema/profiles.ts';

/** Beyond these the largest layers take less time than waking threads does. */
const THREADS_MAX = 8;
/** Pairs of each matrix that are compared again in float64, to measure the error: a hundredth of a profile's time. */
const PAIRS_CHECKED = 32;

let shared: DiceKernels | undefined;
/** This process is one job's: it opens the kernels once. Their threads sleep while there is nothing to compare. */
const opened = (): DiceKernels => (shared ??= openDiceKernels({ threads: kernelThreads() }));

/** The job's threads as configured, the engine's: the two never work at the same time. */
export function kernelThreads(): number {
  return Math.min(loadConfig().engine.threads, THREADS_MAX);
}

/** What pruning criteria compute with: comparisons by the kernels, products by the engine where one is open. */
export const arithmeticWith = (engine?: Pick<Engine, 'linear'>): Arithmetic => ({
  compare: (matrix, options) => opened().compare(matrix, options),
  gramOfRows: engine?.linear.gramOfRows ?? gramOfRows,
});

export interface Profiled {
  /** core/dice's profile as the schema types it, with how exact it is. */
  readonly document: Omit<ProfileResult, 'images' | 'positionsPerImage' | 'notes' | 'engine'>;
  /** The similarity matrices of the layers that have one, in the order of the profile: `packTriangle` in float32. */
  readonly triangles: readonly Float32Array[];
}

/** Makes a profile with the compiled kernels and measures how far they are from equation 3. */
export function profiled(
  precision: Precision,
  make: (options: Required<Pick<ProfileOptions, 'compare' | 'spectrum' | 'onSimilarity'>>) => ModelProfile,
): Profiled {
  const kernels = opened();
  const kernel = precision === 'fast' ? kernels.compareQuantised : kernels.compare;
  const random = createRandom(0);
  let similarityError = 0;
  const compare: Compare = (matrix, options) => {
    const result = kernel(matrix, options);
    if (options.columns === undefined) {
      similarityError = Math.max(similarityError, measuredError(matrix, result.triangle, options, { pairs: PAIRS_CHECKED, random }));
    }
    return result;
  };
  const triangles: Float32Array[] = [];
  const profile = make({ compare, spectrum: kernels.spectrum, onSimilarity: (_, triangle) => triangles.push(Float32Array.from(triangle)) });
  // Plain mutable arrays, as the schema types it.
  const document = structuredClone(profile) as Omit<Profiled['document'], 'precision' | 'similarityError'>;
  return { document: { ...document, precision, similarityError }, triangles };
}

/**
 * Dice profile of sampled activations.
 *
 * @param samples of `Engine.activations`
 * @param options.seed of the permuted null and of the blocks that the standard error comes from
 */
export function profileActivations(
  samples: ReadonlyMap<string, SampledActivations>,
  { precision = 'exact', ...options }: { readonly seed: number; readonly precision?: Precision; readonly onProgress?: OnProgress },
): Profiled {
  return profiled(precision, (tools) => activationProfile(samples, { ...options, ...tools }));
}

/** Writes the matrices one after the other, little-endian as every platform of Node is; the profile's layers say how long each is. */
export function writeTriangles(blobs: Blobs, triangles: Profiled['triangles']): Promise<BlobRef> {
  return blobs.write(bytesOf(triangles));
}

async function* bytesOf(triangles: Profiled['triangles']): AsyncGenerator<Uint8Array> {
  for (const { buffer, byteOffset, byteLength } of triangles) yield new Uint8Array(buffer, byteOffset, byteLength);
}
