import { desc, eq, isNull } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import type { Recommendation, RecommendRequest } from '../schema/recommendations.ts';
import { candidatesMax } from '../schema/recommendations.ts';
import type { Tables } from '../store/store.ts';
import { models, recommendations } from '../store/tables.ts';
import type { Context, Outcome } from './context.ts';
import { hashOf } from './keys.ts';
import { datasetRef, modelRef, weightProfile } from './references.ts';

const view = ({ id, datasetId, result, createdAt }: typeof recommendations.$inferSelect): Recommendation => ({
  id,
  dataset: datasetId,
  createdAt,
  ...result,
});

/** Every model that was not pruned from another. */
const defaultCandidates = (db: Tables): string[] => {
  const ids = db.select({ id: models.id }).from(models).where(isNull(models.parentId)).all();
  if (ids.length === 0) {
    throw new Failure('not-found', 'There is no model to choose from.', {
      hint: 'Add some with POST /models, e.g. {"source": "zoo:NAME"}.',
      field: 'candidates',
    });
  }
  if (ids.length > candidatesMax) {
    throw new Failure('limit-exceeded', `There are ${ids.length} models, more than the ${candidatesMax} that one request may rank.`, {
      hint: 'Name the candidates.',
      field: 'candidates',
    });
  }
  return ids.map(({ id }) => id);
};

/** The ranking where the same was asked before, and else the job that makes it. Fails with `not-found` and `limit-exceeded`. */
export function recommend({ store, queue }: Context, asked: RecommendRequest): Outcome<Recommendation> {
  return store.transaction((tx) => {
    const dataset = datasetRef(tx, asked.dataset, 'dataset');
    const named = asked.candidates && [...new Set(asked.candidates)];
    const candidates = (named ?? defaultCandidates(tx)).map((id, at) => ({
      ...modelRef(tx, id, `candidates.${at}`),
      weightProfile: weightProfile(tx, id),
    }));
    // The order in which candidates are named changes nothing, and a default that was resolved is a request of its own.
    const request = { ...asked, candidates: candidates.map(({ id }) => id).toSorted() };
    const same = eq(recommendations.requestHash, hashOf(request));
    const known = tx.select().from(recommendations).where(same).orderBy(desc(recommendations.id)).get();
    return known ? { value: view(known) } : { job: queue.enqueue(tx, 'recommend', { request, dataset, candidates }) };
  });
}

/** Fails with `not-found`. */
export function getRecommendation({ store }: Context, id: string): Recommendation {
  const row = store.db.select().from(recommendations).where(eq(recommendations.id, id)).get();
  if (!row) throw new Failure('not-found', `There is no recommendation ${id}.`, { hint: 'POST /recommend makes one.', field: 'id' });
  return view(row);
}
