import { and, desc, eq, isNotNull, lt } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import { criterionOf } from '../core/prune/index.ts';
import type { PageQuery } from '../schema/common.ts';
import type { Pruning, PruneRequest } from '../schema/prunings.ts';
import { prunings } from '../store/tables.ts';
import type { Context, Outcome } from './context.ts';
import { hashOf } from './keys.ts';
import { page } from './pages.ts';
import { datasetRef, modelRef } from './references.ts';

const view = ({ id, request, artifactId, parentId, plan, report, createdAt }: typeof prunings.$inferSelect): Pruning => ({
  id,
  request,
  artifact: artifactId,
  parent: parentId,
  plan,
  report,
  createdAt,
});

/**
 * The pruning where the same was done before and its artifact is still here, and else the job that does it.
 * Fails with `not-found` and `unknown-criterion`.
 */
export function prune({ store, queue }: Context, request: PruneRequest): Outcome<Pruning> {
  criterionOf(request.criterion);
  return store.transaction((tx) => {
    const model = modelRef(tx, request.model, 'model');
    const dataset = datasetRef(tx, request.dataset, 'dataset');
    const same = eq(prunings.requestHash, hashOf(request));
    const usable = request.planOnly ? same : and(same, isNotNull(prunings.artifactId));
    const done = tx.select().from(prunings).where(usable).orderBy(desc(prunings.id)).get();
    return done ? { value: view(done) } : { job: queue.enqueue(tx, 'prune', { request, model, dataset }) };
  });
}

/** Fails with `not-found`. */
export function getPruning({ store }: Context, id: string): Pruning {
  const row = store.db.select().from(prunings).where(eq(prunings.id, id)).get();
  if (!row) throw new Failure('not-found', `There is no pruning ${id}.`, { hint: 'GET /prunings lists those that are here.', field: 'id' });
  return view(row);
}

/** Newest first. */
export function listPrunings({ store }: Context, { after, limit }: PageQuery): { items: Pruning[]; next: string | null } {
  const rows = store.db
    .select()
    .from(prunings)
    .where(after === undefined ? undefined : lt(prunings.id, after))
    .orderBy(desc(prunings.id))
    .limit(limit + 1)
    .all();
  return page(rows.map(view), limit);
}
