import { and, eq, getTableColumns } from 'drizzle-orm';
import { compareProfiles } from '../core/dice/index.ts';
import { Failure } from '../core/failure.ts';
import type { Profile, ProfileComparison, ProfileRequest } from '../schema/profiles.ts';
import type { ModelRef } from '../jobs/types.ts';
import { newId } from '../store/ids.ts';
import type { Tables, Transaction } from '../store/store.ts';
import { models, profiles } from '../store/tables.ts';
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
    const known = tx.select().from(profiles).where(same).get() ?? copyOfTwin(tx, model, profileOptionsHash(request));
    return known ? { value: view(known) } : { job: queue.enqueue(tx, 'profile', { request, model, dataset }) };
  });
}

/** A model of the same topology and weights under another id may have been profiled so: then its profile is this one's too. */
function copyOfTwin(
  tx: Transaction,
  { id: modelId, contentHash }: ModelRef,
  optionsHash: string,
): typeof profiles.$inferSelect | undefined {
  const twin = tx
    .select(getTableColumns(profiles))
    .from(profiles)
    .innerJoin(models, eq(models.id, profiles.modelId))
    .where(and(eq(models.contentHash, contentHash), eq(profiles.optionsHash, optionsHash)))
    .get();
  return (
    twin &&
    tx
      .insert(profiles)
      .values({ ...twin, id: newId('prf'), modelId, createdAt: new Date().toISOString() })
      .returning()
      .get()
  );
}

/** The row of a profile; fails with `not-found` naming the request's field. */
export function profileRow(db: Tables, id: string, field: string): typeof profiles.$inferSelect {
  const row = db.select().from(profiles).where(eq(profiles.id, id)).get();
  if (!row) throw new Failure('not-found', `There is no profile ${id}.`, { hint: 'POST /profiles makes one.', field });
  return row;
}

/** Fails with `not-found`. */
export function getProfile({ store }: Context, id: string): Profile {
  return view(profileRow(store.db, id, 'id'));
}

/** Two profiles side by side, layer by layer. Fails with `not-found`, and with `invalid-request` for weights against activations. */
export function compareWith({ store: { db } }: Context, { id, against }: { id: string; against: string }): ProfileComparison {
  const after = profileRow(db, id, 'id');
  const before = profileRow(db, against, 'against');
  if (before.source !== after.source) {
    throw new Failure('invalid-request', `${id} is a profile of ${after.source}, ${against} one of ${before.source}.`, {
      hint: 'Compare two of the same source.',
      field: 'against',
    });
  }
  const figures = ({ id: profile, modelId: model, result }: typeof before): ProfileComparison['before'] => {
    const { kernels, diversity, diversityExcess, redundantShare } = result;
    return { profile, model, kernels, diversity, diversityExcess, redundantShare };
  };
  const { pairedBy, layers } = compareProfiles(before.result, after.result);
  return {
    source: after.source,
    before: figures(before),
    after: figures(after),
    difference: after.result.diversity - before.result.diversity,
    pairedBy,
    layers: [...layers],
  };
}
