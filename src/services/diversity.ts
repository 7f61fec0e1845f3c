import type { z } from '@hono/zod-openapi';
import { and, asc, eq, gte, inArray, lt } from 'drizzle-orm';
import type { diversityQuery, diversitySeries } from '../schema/diversity.ts';
import type { Tables } from '../store/store.ts';
import { models, profiles } from '../store/tables.ts';
import type { Context } from './context.ts';
import { modelRow } from './references.ts';

/** The model, what it came from, and all that came from either. Fails with `not-found`. */
function lineage(db: Tables, modelId: string): string[] {
  modelRow(db, modelId, 'model');
  const all = db.select({ id: models.id, parentId: models.parentId }).from(models).all();
  const parents = new Map(all.map(({ id, parentId }) => [id, parentId]));
  const rootOf = (id: string): string => {
    const parent = parents.get(id);
    return parent ? rootOf(parent) : id;
  };
  const root = rootOf(modelId);
  return all.map(({ id }) => id).filter((id) => rootOf(id) === root);
}

/** Dice diversity of every profile that passes the filters, oldest first. Fails with `not-found`. */
export function diversity(
  { store: { db } }: Context,
  { model, source, since, until }: z.infer<typeof diversityQuery>,
): z.infer<typeof diversitySeries> {
  const filters = [
    model === undefined ? undefined : inArray(models.id, lineage(db, model)),
    source === undefined ? undefined : eq(profiles.source, source),
    since === undefined ? undefined : gte(profiles.createdAt, since),
    until === undefined ? undefined : lt(profiles.createdAt, until),
  ];
  const items = db
    .select({
      model: models.id,
      name: models.name,
      parentId: models.parentId,
      profile: profiles.id,
      source: profiles.source,
      diversity: profiles.diversity,
      diversityExcess: profiles.diversityExcess,
      at: profiles.createdAt,
    })
    .from(profiles)
    .innerJoin(models, eq(models.id, profiles.modelId))
    .where(and(...filters))
    .orderBy(asc(profiles.id))
    .all();
  return { items };
}
