import { and, eq, isNotNull, isNull, notInArray, sql } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import type { Transaction } from '../store/store.ts';
import { jobs, profiles, prunings } from '../store/tables.ts';

/** Fails with `conflict` while an unfinished job's input names the model or dataset. */
export function refuseWhileInUse(tx: Transaction, id: string): void {
  const user = tx
    .select({ id: jobs.id })
    .from(jobs)
    .where(and(notInArray(jobs.state, ['succeeded', 'failed', 'cancelled']), sql`instr(${jobs.input}, ${id}) > 0`))
    .get();
  if (user)
    throw new Failure('conflict', `${id} is in use by ${user.id}.`, {
      hint: `Wait for that job, or cancel it with POST /jobs/${user.id}/cancel.`,
    });
}

/**
 * Removes prunings that left no artifact; fails with `conflict` where an artifact is still here, because its report speaks of
 * its parent and dataset.
 */
export function removePrunings(tx: Transaction, of: { parentId: string } | { datasetId: string }): void {
  const made = 'parentId' in of ? eq(prunings.parentId, of.parentId) : eq(prunings.datasetId, of.datasetId);
  tx.delete(prunings)
    .where(and(made, isNull(prunings.artifactId)))
    .run();
  const left = tx
    .select({ artifact: prunings.artifactId })
    .from(prunings)
    .where(and(made, isNotNull(prunings.artifactId)))
    .get();
  if (left) throw new Failure('conflict', `The artifact ${left.artifact} was made with it.`, { hint: 'Delete the artifact first.' });
}

/** Blobs of the matrices behind the profiles of a model or on a dataset. */
export function matricesOf(tx: Transaction, of: { modelId: string } | { datasetId: string }): string[] {
  const made = 'modelId' in of ? eq(profiles.modelId, of.modelId) : eq(profiles.datasetId, of.datasetId);
  const rows = tx.select({ matrices: profiles.matrices }).from(profiles).where(made).all();
  return rows.flatMap(({ matrices }) => matrices ?? []);
}
