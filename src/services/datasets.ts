import { desc, eq, lt } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';
import type { PageQuery, SplitName } from '../schema/common.ts';
import type { Dataset, Samples } from '../schema/datasets.ts';
import { sampleSheet } from '../schema/datasets.ts';
import { datasets } from '../store/tables.ts';
import { collectBlobs } from '../store/references.ts';
import type { Context, Outcome } from './context.ts';
import { datasetSourceKey } from './keys.ts';
import { enqueueOnce } from './once.ts';
import { page } from './pages.ts';
import { datasetRow } from './references.ts';
import { matricesOf, refuseWhileInUse, removePrunings } from './removal.ts';

const view = ({ id, name, blob, report, createdAt }: typeof datasets.$inferSelect): Dataset => ({
  id,
  name,
  contentHash: blob,
  report,
  createdAt,
});

/** Streams an archive of images to disk and imports it, unless the same was imported before. Fails with `limit-exceeded`. */
export async function uploadDataset(
  context: Context,
  body: AsyncIterable<Uint8Array>,
  options: { fileName: string; name?: string; exclude: string[]; seed: number },
): Promise<Outcome<Dataset>> {
  const { store } = context;
  const { hash, bytes } = await store.blobs.write(body, limits.datasetBytesMax);
  const input = { blob: hash, ...options };
  const known = store.db
    .select()
    .from(datasets)
    .where(eq(datasets.source, datasetSourceKey(input)))
    .get();
  if (bytes > 0 && !known) return { job: enqueueOnce(context, 'import-dataset', input, datasetSourceKey) };
  await collectBlobs(context.store, [hash], Date.now());
  if (known) return { value: view(known) };
  throw new Failure('invalid-request', 'The body is empty.', {
    hint: 'Send a zip or tar of image folders, or of an IDX pair, as the raw body.',
  });
}

/** Newest first. */
export function listDatasets({ store }: Context, { after, limit }: PageQuery): { items: Dataset[]; next: string | null } {
  const rows = store.db
    .select()
    .from(datasets)
    .where(after === undefined ? undefined : lt(datasets.id, after))
    .orderBy(desc(datasets.id))
    .limit(limit + 1)
    .all();
  return page(rows.map(view), limit);
}

/** Fails with `not-found`. */
export const getDataset = ({ store }: Context, id: string): Dataset => view(datasetRow(store.db, id, 'id'));

/** Thumbnails of a split, of one class or round all of them. Fails with `not-found`, also for a class that the dataset lacks. */
export async function listSamples(
  { store }: Context,
  { id, split, class: name, limit }: { id: string; split: SplitName; class?: string; limit: number },
): Promise<Samples> {
  const { samples, report } = datasetRow(store.db, id, 'id');
  if (name !== undefined && !report.classes.some((each) => each.name === name)) {
    const known = report.classes.slice(0, 20).map((each) => each.name);
    throw new Failure('not-found', `The dataset has no class "${name}".`, {
      hint: `Its classes begin with ${known.join(', ')}.`,
      field: 'class',
    });
  }
  const sheet = sampleSheet.parse(JSON.parse(Buffer.from(await store.blobs.read(samples)).toString('utf8')));
  const inSplit = sheet.filter((each) => each.split === split);
  if (name !== undefined) return { items: inSplit.filter((each) => each.class === name).slice(0, limit) };
  // One of each class first, then a second of each: a short answer still shows every class.
  const turns = new Map<string, number>();
  const ranked = inSplit.map((item) => {
    const turn = turns.get(item.class) ?? 0;
    turns.set(item.class, turn + 1);
    return { item, turn };
  });
  return {
    items: ranked
      .toSorted((a, b) => a.turn - b.turn)
      .slice(0, limit)
      .map(({ item }) => item),
  };
}

/**
 * Removes a dataset with its activation profiles, evaluations, recommendations and plans, and its files where nothing else has the same.
 * Fails with `not-found`, or with `conflict` while an unfinished job uses it or an artifact made with it is here.
 */
export async function deleteDataset(context: Context, id: string): Promise<void> {
  const blobs = context.store.transaction((tx) => {
    const row = datasetRow(tx, id, 'id');
    refuseWhileInUse(tx, id);
    removePrunings(tx, { datasetId: id });
    const matrices = matricesOf(tx, { datasetId: id });
    tx.delete(datasets).where(eq(datasets.id, id)).run();
    return [row.blob, row.samples, ...matrices];
  });
  await collectBlobs(context.store, blobs);
}
