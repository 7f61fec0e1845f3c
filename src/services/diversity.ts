import { and, asc, eq, getTableColumns, gt, gte, inArray, lt, or, sql } from 'drizzle-orm';
import type { DiversityPoint, DiversityQuery, DiversitySeries } from '../schema/diversity.ts';
import type { Tables } from '../store/store.ts';
import { models, profiles } from '../store/tables.ts';
import type { Context } from './context.ts';
import { modelRow } from './references.ts';

interface Place {
  readonly root: string;
  readonly generation: number;
}

/** Where each model stands in its family tree. */
function places(db: Tables): Map<string, Place> {
  const parents = new Map(
    db
      .select({ id: models.id, parentId: models.parentId })
      .from(models)
      .all()
      .map(({ id, parentId }) => [id, parentId]),
  );
  const placeOf = (id: string): Place => {
    const parent = parents.get(id);
    if (!parent) return { root: id, generation: 0 };
    const { root, generation } = placeOf(parent);
    return { root, generation: generation + 1 };
  };
  return new Map(Array.from(parents.keys(), (id) => [id, placeOf(id)]));
}

/** Dice diversity of every profile, or of the layer asked for in each, that passes the filters; oldest first. Fails with `not-found`. */
export function diversity({ store: { db } }: Context, query: DiversityQuery): DiversitySeries {
  const { model, lineage, source, dataset, layer, since, until, after, limit } = query;
  const tree = places(db);
  if (model !== undefined) modelRow(db, model, 'model');
  if (lineage !== undefined) modelRow(db, lineage, 'lineage');
  const root = lineage === undefined ? undefined : tree.get(lineage)?.root;
  const family = Array.from(tree.keys()).filter((id) => tree.get(id)?.root === root);

  // One row a layer; a whole model is read beside its first.
  const number = sql<number>`layers.key`;
  const chosen = layer === undefined ? eq(number, 0) : layer === '*' ? undefined : sql`json_extract(layers.value, '$.layer') = ${layer}`;
  const [afterProfile, afterLayer] = after === undefined ? [] : after.split('.');
  const rows = db
    .select({
      ...getTableColumns(profiles),
      name: models.name,
      parentId: models.parentId,
      number,
    })
    .from(profiles)
    .innerJoin(models, eq(models.id, profiles.modelId))
    .innerJoin(sql`json_each(${profiles.result}, '$.layers') as layers`, sql`true`)
    .where(
      and(
        chosen,
        model === undefined ? undefined : eq(models.id, model),
        root === undefined ? undefined : inArray(models.id, family),
        source === undefined ? undefined : eq(profiles.source, source),
        dataset === undefined ? undefined : eq(profiles.datasetId, dataset),
        since === undefined ? undefined : gte(profiles.createdAt, since),
        until === undefined ? undefined : lt(profiles.createdAt, until),
        afterProfile === undefined
          ? undefined
          : or(gt(profiles.id, afterProfile), and(eq(profiles.id, afterProfile), gt(number, Number(afterLayer)))),
      ),
    )
    .orderBy(asc(profiles.id), asc(number))
    .limit(limit + 1)
    .all();

  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const items = shown.map(({ id, modelId, name, parentId, datasetId, result, createdAt, number: at }): DiversityPoint => {
    const one = layer === undefined ? undefined : result.layers[at];
    const { diversity: value, diversityExcess, redundantShare } = one === undefined ? result : (one.dice ?? NOTHING);
    return {
      model: modelId,
      name,
      parentId,
      ...(tree.get(modelId) ?? { root: modelId, generation: 0 }),
      profile: id,
      source: result.source,
      dataset: datasetId,
      layer: one?.layer ?? null,
      kernels: (one ?? result).kernels,
      diversity: value,
      diversityExcess,
      redundantShare,
      at: createdAt,
    };
  });
  return { items, next: rows.length > limit && last ? `${last.id}.${last.number}` : null };
}

/** What a layer of one kernel has to say. */
const NOTHING = { diversity: null, diversityExcess: null, redundantShare: null };
