import { and, desc, eq, getTableColumns, isNotNull, lt } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import type { JobInput } from '../jobs/types.ts';
import { limits } from '../limits.ts';
import type { PageQuery } from '../schema/common.ts';
import { type Model, type ModelSource, parseModelSource } from '../schema/models.ts';
import { models, profiles } from '../store/tables.ts';
import { collectBlobs } from '../store/references.ts';
import type { Context, Outcome } from './context.ts';
import { removeExports } from './exports.ts';
import { modelSourceKey, weightProfileHash } from './keys.ts';
import { enqueueOnce } from './once.ts';
import { modelRow } from './references.ts';
import { matricesOf, refuseWhileInUse, removePrunings } from './removal.ts';
import { page } from './pages.ts';

const withProfile = ({ store }: Context) =>
  store.db
    .select({ ...getTableColumns(models), profileId: profiles.id, weightDiversity: profiles.diversity })
    .from(models)
    .leftJoin(profiles, and(eq(profiles.modelId, models.id), eq(profiles.optionsHash, weightProfileHash)))
    .$dynamic();

type Row = ReturnType<ReturnType<typeof withProfile>['all']>[number];

const view = ({ id, parentId, contentHash, summary, profileId, weightDiversity, createdAt }: Row): Model => ({
  id,
  ...summary,
  parentId,
  contentHash,
  profileId,
  weightDiversity,
  createdAt,
});

/** The model that an import would make, when it was made before, and else the job that makes it. */
const importModel = (context: Context, input: JobInput<'import-model'>): Outcome<Model> => {
  const known = withProfile(context)
    .where(eq(models.source, modelSourceKey(input)))
    .get();
  return known ? { value: view(known) } : { job: enqueueOnce(context, 'import-model', input, modelSourceKey) };
};

/** The models that an import has made of what its source was at other times. */
function knownVersions({ store }: Context, input: JobInput<'import-model'>): { version: string; model: string }[] {
  const rows = store.db
    .select({ model: models.id, version: models.version, source: models.source })
    .from(models)
    .where(isNotNull(models.version))
    .all();
  return rows.flatMap(({ model, version, source }) =>
    version !== null && source === modelSourceKey(input, version) ? [{ version, model }] : [],
  );
}

/**
 * Imports a starter backbone, or a model of a hub or an address, which the job fetches. Fails with `forbidden` where downloads are
 * off.
 */
export function importSource(context: Context, { source, name, architecture }: ModelSource): Outcome<Model> {
  const from = parseModelSource(source);
  if (from === undefined) throw new Error(`"${source}" was not checked`);
  if (from.kind === 'zoo') return importModel(context, { source: { ...from, hash: context.zoo.get(from.name) ?? null }, name });
  if (context.downloads) {
    const input = { source: { ...from, architecture }, name };
    return importModel(context, { ...input, known: knownVersions(context, input) });
  }
  throw new Failure('forbidden', 'This service downloads nothing: ESPALIER_DOWNLOADS is off.', {
    hint: 'Download the file elsewhere and send it as the body.',
    field: 'source',
  });
}

/** Streams a model file to disk and imports it; fails with `limit-exceeded`. */
export async function uploadModel(
  context: Context,
  body: AsyncIterable<Uint8Array>,
  { fileName, name, architecture }: { fileName: string; name?: string; architecture?: string },
): Promise<Outcome<Model>> {
  const { hash, bytes } = await context.store.blobs.write(body, limits.modelBytesMax);
  const outcome = bytes > 0 ? importModel(context, { source: { kind: 'upload', blob: hash, fileName, architecture }, name }) : undefined;
  if (!outcome || 'value' in outcome) await collectBlobs(context.store, [hash], Date.now());
  if (outcome) return outcome;
  throw new Failure('invalid-request', 'The body is empty.', {
    hint: 'Send the model file as the raw body, or JSON such as {"source": "zoo:NAME"}.',
  });
}

/** Newest first. */
export function listModels(context: Context, { after, limit }: PageQuery): { items: Model[]; next: string | null } {
  const rows = withProfile(context)
    .where(after === undefined ? undefined : lt(models.id, after))
    .orderBy(desc(models.id))
    .limit(limit + 1)
    .all();
  return page(rows.map(view), limit);
}

/** Fails with `not-found`. */
export function getModel(context: Context, id: string): Model {
  modelRow(context.store.db, id, 'id');
  const row = withProfile(context).where(eq(models.id, id)).get();
  if (!row) throw new Error(`model ${id} vanished`);
  return view(row);
}

/**
 * Removes a model with its profiles, evaluations and plans, and its files where nothing else has the same.
 * Fails with `not-found`, or with `conflict` while an unfinished job uses it or an artifact pruned from it is here.
 */
export async function deleteModel(context: Context, id: string): Promise<void> {
  const blobs = context.store.transaction((tx) => {
    const row = modelRow(tx, id, 'id');
    refuseWhileInUse(tx, id);
    removePrunings(tx, { parentId: id });
    const matrices = matricesOf(tx, { modelId: id });
    tx.delete(models).where(eq(models.id, id)).run();
    return [row.blob, row.tfjs, ...matrices, ...removeExports(tx, row.blob)];
  });
  await collectBlobs(context.store, blobs);
}
