import { and, desc, eq, isNotNull, lt } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import { criterionOf, scheduleOf } from '../core/prune/index.ts';
import { isPlannedAtOnce, planAtOnce } from '../jobs/plan-at-once.ts';
import type { JobInput } from '../jobs/types.ts';
import type { PageQuery } from '../schema/common.ts';
import type { PruneBody, Pruning, PruneRequest } from '../schema/prunings.ts';
import { prunings } from '../store/tables.ts';
import type { Context, Outcome } from './context.ts';
import { hashOf } from './keys.ts';
import { page } from './pages.ts';
import { datasetRef, modelRef, weightSimilarities } from './references.ts';
import { insertPruning } from './settle.ts';

const view = ({ id, request, artifactId, parentId, plan, report, createdAt }: typeof prunings.$inferSelect): Pruning => ({
  id,
  request,
  artifact: artifactId,
  parent: parentId,
  plan,
  report,
  createdAt,
});

/** The request with what a plan settles filled in. */
function resolved({ plan, target, seed, ...asked }: PruneBody): PruneRequest {
  if (plan === undefined) {
    if (target !== undefined) return { ...asked, target, seed: seed ?? 0 };
    throw invalid('target', 'There is neither a target nor a plan.', 'Give a target such as {"ratio": 0.3}, or a plan made before.');
  }
  if (target !== undefined) throw invalid('target', 'The plan has a target already.', 'Leave "target" away, or make a new plan.');
  const { criterion, source, ranking } = plan;
  return { ...asked, criterion, source, ranking, target: plan.target, plan, seed: seed ?? plan.seed };
}

const invalid = (field: string, message: string, hint: string) => new Failure('invalid-request', message, { field, hint });

/**
 * The pruning where the same was done before and its artifact is still here; a plan that is made at once; else the job that does it.
 * Fails with `not-found`, `unknown-criterion`, and `invalid-request` for a plan of another model or a schedule that makes no sense.
 */
export async function prune({ store, queue }: Context, asked: PruneBody): Promise<Outcome<Pruning>> {
  const request = resolved(asked);
  criterionOf(request.criterion);
  scheduleOf(request);
  const found = store.transaction((tx): { value: Pruning } | { input: JobInput<'prune'> } => {
    const model = modelRef(tx, request.model, 'model');
    const dataset = datasetRef(tx, request.dataset, 'dataset');
    if (request.plan && request.plan.modelHash !== model.contentHash) {
      throw invalid(
        'plan.modelHash',
        `The plan was made for another model: its hash is ${request.plan.modelHash}, and that of ${model.name} is ${model.contentHash}.`,
        'Name the model that the plan was made for, or make a plan for this one with "planOnly".',
      );
    }
    const same = eq(prunings.requestHash, hashOf(request));
    const usable = request.planOnly ? same : and(same, isNotNull(prunings.artifactId));
    const done = tx.select().from(prunings).where(usable).orderBy(desc(prunings.id)).get();
    return done ? { value: view(done) } : { input: { request, model, dataset } };
  });
  if ('value' in found) return found;
  const { input } = found;
  const known = criterionOf(request.criterion).compares ? weightSimilarities(store.db, request.model) : null;
  if (!request.planOnly || !isPlannedAtOnce(input, known)) return { job: store.transaction((tx) => queue.enqueue(tx, 'prune', input)) };
  const plan = await planAtOnce(store, input, known);
  const row = store.transaction((tx) => {
    // They may have been deleted meanwhile.
    modelRef(tx, request.model, 'model');
    datasetRef(tx, request.dataset, 'dataset');
    return insertPruning(tx, input, { plan, artifactId: null, report: null });
  });
  return { value: view(row) };
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
