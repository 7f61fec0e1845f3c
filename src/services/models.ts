import { and, desc, eq, getTableColumns, lt } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import type { JobInput } from '../jobs/types.ts';
import { limits } from '../limits.ts';
import type { PageQuery } from '../schema/common.ts';
import type { ContentFormat, Model } from '../schema/models.ts';
import { models, profiles } from '../store/tables.ts';
import { collectBlobs } from '../store/references.ts';
import type { Context, Outcome } from './context.ts';
import { modelSourceKey, weightProfileHash } from './keys.ts';
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
  if (known) return { value: view(known) };
  return { job: context.store.transaction((tx) => context.queue.enqueue(tx, 'import-model', input)) };
};

/** Imports a starter backbone. */
export const importZooModel = (context: Context, { source, name }: { source: string; name?: string }): Outcome<Model> =>
  importModel(context, { source: { kind: 'zoo', name: source.slice('zoo:'.length) }, name });

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
    hint: 'Send the model file as the raw body, or JSON {"source": "zoo:NAME"}.',
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

/** A file to send: a path on this machine, and the bytes' SHA-256. */
export interface Content {
  readonly path: string;
  readonly hash: string;
  readonly fileName: string;
  readonly mediaType: string;
}

/** The model as a file; the stored form is safetensors itself. Fails with `not-found`. */
export async function getModelContent({ store }: Context, { id, format }: { id: string; format: ContentFormat }): Promise<Content> {
  const { name, tfjs, blob } = modelRow(store.db, id, 'id');
  const files = {
    tfjs: { hash: tfjs, fileName: `${name}.zip`, mediaType: 'application/zip' },
    safetensors: { hash: blob, fileName: `${name}.safetensors`, mediaType: 'application/octet-stream' },
  };
  return { ...files[format], path: await store.blobs.localPath(files[format].hash) };
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
    return [row.blob, row.tfjs, ...matrices];
  });
  await collectBlobs(context.store, blobs);
}
