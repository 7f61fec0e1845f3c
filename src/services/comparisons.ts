import { desc, eq, lt } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import { criterionOf, scheduleOf } from '../core/prune/index.ts';
import type { PageQuery } from '../schema/common.ts';
import { comparedCriterion, type CompareBody, type CompareRequest, type Comparison } from '../schema/comparisons.ts';
import { comparisons } from '../store/tables.ts';
import type { Context, Outcome } from './context.ts';
import { hashOf } from './keys.ts';
import { page } from './pages.ts';
import { datasetRef, modelRef } from './references.ts';

const view = ({ id, modelId, request, result, createdAt }: typeof comparisons.$inferSelect): Comparison => ({
  id,
  model: modelId,
  request,
  createdAt,
  ...result,
});

/** Every criterion written out. Fails with `unknown-criterion`, and `invalid-request` for one that is named twice or whose schedule makes no sense. */
function resolved({ criteria, ...asked }: CompareBody): CompareRequest {
  const known = new Set<string>();
  return {
    ...asked,
    criteria: criteria.map((given, at) => {
      const written = typeof given === 'string' ? comparedCriterion.parse({ criterion: given }) : given;
      criterionOf(written.criterion);
      scheduleOf({ ...written, target: asked.target });
      const key = hashOf(written);
      if (known.has(key)) {
        throw new Failure('invalid-request', `Criterion ${written.criterion} is named twice.`, {
          hint: 'Give each once, or with another source or ranking.',
          field: `criteria.${at}`,
        });
      }
      known.add(key);
      return written;
    }),
  };
}

/** The comparison where the same was asked before, and else the job that makes it. Fails as `resolved`, and with `not-found`. */
export function compare({ store, queue }: Context, asked: CompareBody): Outcome<Comparison> {
  const request = resolved(asked);
  return store.transaction((tx) => {
    const model = modelRef(tx, request.model, 'model');
    const dataset = datasetRef(tx, request.dataset, 'dataset');
    const same = eq(comparisons.requestHash, hashOf(request));
    const known = tx.select().from(comparisons).where(same).orderBy(desc(comparisons.id)).get();
    return known ? { value: view(known) } : { job: queue.enqueue(tx, 'compare', { request, model, dataset }) };
  });
}

/** Fails with `not-found`. */
export function getComparison({ store }: Context, id: string): Comparison {
  const row = store.db.select().from(comparisons).where(eq(comparisons.id, id)).get();
  if (row) return view(row);
  throw new Failure('not-found', `There is no comparison ${id}.`, { hint: 'GET /comparisons lists those that are here.', field: 'id' });
}

/** Newest first. */
export function listComparisons({ store }: Context, { after, limit }: PageQuery): { items: Comparison[]; next: string | null } {
  const rows = store.db
    .select()
    .from(comparisons)
    .where(after === undefined ? undefined : lt(comparisons.id, after))
    .orderBy(desc(comparisons.id))
    .limit(limit + 1)
    .all();
  return page(rows.map(view), limit);
}
