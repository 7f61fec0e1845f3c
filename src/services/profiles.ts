import { and, eq } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import type { Profile, ProfileRequest } from '../schema/profiles.ts';
import { profiles } from '../store/tables.ts';
import type { Context, Outcome } from './context.ts';
import { profileOptionsHash } from './keys.ts';
import { datasetRef, modelRef } from './references.ts';

const view = ({ id, modelId, datasetId, result, createdAt }: typeof profiles.$inferSelect): Profile => ({
  id,
  model: modelId,
  dataset: datasetId,
  createdAt,
  ...result,
});

/** The profile where it is known, and else the job that makes it. Fails with `not-found` and `invalid-request`. */
export function createProfile({ store, queue }: Context, request: ProfileRequest): Outcome<Profile> {
  if (request.source === 'activations' && request.dataset === undefined) {
    throw new Failure('invalid-request', 'dataset is missing.', {
      hint: 'An activation profile needs images to probe the model with: name a dataset.',
      field: 'dataset',
    });
  }
  if (request.source === 'weights' && request.dataset !== undefined) {
    throw new Failure('invalid-request', 'dataset plays no part in a profile of weights.', {
      hint: 'Leave dataset out, or ask for "source": "activations".',
      field: 'dataset',
    });
  }
  return store.transaction((tx) => {
    const model = modelRef(tx, request.model, 'model');
    const dataset = request.dataset === undefined ? null : datasetRef(tx, request.dataset, 'dataset');
    const same = and(eq(profiles.modelId, model.id), eq(profiles.optionsHash, profileOptionsHash(request)));
    const known = tx.select().from(profiles).where(same).get();
    return known ? { value: view(known) } : { job: queue.enqueue(tx, 'profile', { request, model, dataset }) };
  });
}

/** Fails with `not-found`. */
export function getProfile({ store }: Context, id: string): Profile {
  const row = store.db.select().from(profiles).where(eq(profiles.id, id)).get();
  if (!row) throw new Failure('not-found', `There is no profile ${id}.`, { hint: 'POST /profiles makes one.', field: 'id' });
  return view(row);
}
