import { eq } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import type { EvaluateRequest, Evaluation } from '../schema/evaluations.ts';
import { evaluations } from '../store/tables.ts';
import type { Context, Outcome } from './context.ts';
import { hashOf } from './keys.ts';
import { datasetRef, modelRef } from './references.ts';

const view = ({ id, modelId, datasetId, result, createdAt }: typeof evaluations.$inferSelect): Evaluation => ({
  id,
  model: modelId,
  dataset: datasetId,
  createdAt,
  ...result,
});

/** The evaluation where the same was asked before, and else the job that makes it. Fails with `not-found`. */
export function evaluate({ store, queue }: Context, request: EvaluateRequest): Outcome<Evaluation> {
  return store.transaction((tx) => {
    const model = modelRef(tx, request.model, 'model');
    const dataset = datasetRef(tx, request.dataset, 'dataset');
    const known = tx
      .select()
      .from(evaluations)
      .where(eq(evaluations.requestHash, hashOf(request)))
      .get();
    return known ? { value: view(known) } : { job: queue.enqueue(tx, 'evaluate', { request, model, dataset }) };
  });
}

/** Fails with `not-found`. */
export function getEvaluation({ store }: Context, id: string): Evaluation {
  const row = store.db.select().from(evaluations).where(eq(evaluations.id, id)).get();
  if (!row) throw new Failure('not-found', `There is no evaluation ${id}.`, { hint: 'POST /evaluate makes one.', field: 'id' });
  return view(row);
}
