import { and, eq, sql } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import type { KnownSimilarities } from '../jobs/plan-at-once.ts';
import type { DatasetRef, ModelRef } from '../jobs/types.ts';
import type { ProfileResult } from '../schema/profiles.ts';
import type { Tables } from '../store/store.ts';
import { datasets, models, profiles } from '../store/tables.ts';
import { weightProfileHash } from './keys.ts';

/** The row of a model; fails with `not-found` naming the request's field. */
export function modelRow(db: Tables, id: string, field: string): typeof models.$inferSelect {
  const row = db.select().from(models).where(eq(models.id, id)).get();
  if (!row) throw new Failure('not-found', `There is no model ${id}.`, { hint: 'GET /models lists those that are here.', field });
  return row;
}

/** The row of a dataset; fails with `not-found` naming the request's field. */
export function datasetRow(db: Tables, id: string, field: string): typeof datasets.$inferSelect {
  const row = db.select().from(datasets).where(eq(datasets.id, id)).get();
  if (!row) throw new Failure('not-found', `There is no dataset ${id}.`, { hint: 'GET /datasets lists those that are here.', field });
  return row;
}

/** A model as jobs need it. */
export function modelRef(db: Tables, id: string, field: string): ModelRef {
  const { name, blob, contentHash, summary } = modelRow(db, id, field);
  return { id, name, blob, contentHash, summary };
}

/** A dataset as jobs need it. */
export function datasetRef(db: Tables, id: string, field: string): DatasetRef {
  const { name, blob, report } = datasetRow(db, id, field);
  return { id, name, blob, report };
}

/** The similarities behind the weight profile of its arrival. */
export function weightSimilarities(db: Tables, modelId: string): KnownSimilarities | null {
  const arrival = and(eq(profiles.modelId, modelId), eq(profiles.optionsHash, weightProfileHash));
  const row = db.select({ result: profiles.result, blob: profiles.matrices }).from(profiles).where(arrival).get();
  return row?.blob ? { blob: row.blob, layers: row.result.layers.filter(({ dice }) => dice !== undefined) } : null;
}

/** What the weight profile that was made on the model's arrival comes to; read without the figures of each kernel. */
export function weightFigures(db: Tables, modelId: string): Pick<ProfileResult, 'diversity' | 'diversityExcess' | 'redundantShare'> | null {
  const arrival = and(eq(profiles.modelId, modelId), eq(profiles.optionsHash, weightProfileHash));
  const redundantShare = sql<number>`json_extract(${profiles.result}, '$.redundantShare')`;
  const { diversity, diversityExcess } = profiles;
  const found = db.select({ diversity, diversityExcess, redundantShare }).from(profiles).where(arrival).get();
  if (found === undefined || found.diversity === null || found.diversityExcess === null) return null;
  return { ...found, diversity: found.diversity, diversityExcess: found.diversityExcess };
}
