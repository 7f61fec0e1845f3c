import { createHash } from 'node:crypto';
import { priorOutcomes } from '../core/transfer/index.ts';
import { SCORES_VERSION } from '../jobs/recommendation/entries.ts';
import type { JobInput } from '../jobs/types.ts';
import type { ProfileRequest } from '../schema/profiles.ts';

const sortKeys = (_: string, value: unknown): unknown =>
  value !== null && typeof value === 'object' && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)))
    : value;

/** SHA-256 in hex of the value's JSON with sorted keys, so that equal requests hash alike however they were written. */
export const hashOf = (value: unknown): string => createHash('sha256').update(JSON.stringify(value, sortKeys)).digest('hex');

/**
 * What an import is of: content and options, but not the name that a file was sent under. A branch or an address may change its
 * content, so that its imports are known by the version that was found there; a commit is its own version.
 */
export function modelSourceKey({ source, name }: JobInput<'import-model'>, version?: string): string {
  switch (source.kind) {
    case 'zoo':
      return hashOf({ zoo: source.name, hash: source.hash, name });
    case 'upload':
      return hashOf({ blob: source.blob, architecture: source.architecture, name });
    case 'hub':
      return hashOf({ ...source, revision: version ?? source.revision, name });
    case 'url':
      return hashOf({ ...source, version, name });
  }
}

/** What this release knows before anything is verified here. */
const release = hashOf({ scores: SCORES_VERSION, outcomes: priorOutcomes });

/**
 * What a recommendation is asked of. Results verified since count as another question, save where candidates are to be
 * verified: those would be fine-tuned again because of what their own fine-tuning found.
 */
export const recommendationKey = ({ request, outcomes }: Pick<JobInput<'recommend'>, 'request' | 'outcomes'>): string =>
  hashOf({ request, release, outcomes: request.verify ? [] : outcomes });

export const datasetSourceKey = ({ blob, name, exclude, seed }: JobInput<'import-dataset'>): string =>
  hashOf({ blob, name, exclude: exclude.toSorted(), seed });

/** What changes a profile's values; images and positions play no part where only weights are read. */
export const profileOptionsHash = (request: ProfileRequest): string => {
  const { source, layers, precision, seed, dataset, images, positionsPerImage } = request;
  const always = { source, layers, precision, seed };
  return hashOf(source === 'weights' ? always : { ...always, dataset, images, positionsPerImage });
};

/** Options of the profile that every model gets on arrival. */
export const weightProfileHash = hashOf({ source: 'weights', layers: 'conv', precision: 'exact', seed: 0 });
