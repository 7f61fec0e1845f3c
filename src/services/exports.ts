import { stat } from 'node:fs/promises';
import { and, eq } from 'drizzle-orm';
import { contentPath, type ExportFormat, exportFormats, type ModelExport } from '../schema/models.ts';
import type { Transaction } from '../store/store.ts';
import { exports, models } from '../store/tables.ts';
import type { Context, Outcome } from './context.ts';
import { enqueueOnce } from './once.ts';
import { modelRef, modelRow } from './references.ts';

/** A file to send: a path on this machine, and the bytes' SHA-256. */
export interface Content {
  readonly path: string;
  readonly hash: string;
  readonly fileName: string;
  readonly mediaType: string;
}

/** The model as a file where it was made before, and else the job that makes it. Fails with `not-found`. */
export async function getModelContent(context: Context, { id, format }: { id: string; format: ExportFormat }): Promise<Outcome<Content>> {
  const { db, blobs } = context.store;
  const { name, blob, tfjs } = modelRow(db, id, 'id');
  const { suffix, mediaType } = exportFormats[format];
  const file = async (hash: string): Promise<Content> => ({
    hash,
    path: await blobs.localPath(hash),
    fileName: `${name}${suffix}`,
    mediaType,
  });
  if (format === 'tfjs') return { value: await file(tfjs) };
  const same = and(eq(exports.blob, blob), eq(exports.format, format));
  const made = db.select({ hash: exports.file }).from(exports).where(same).get();
  if (made) return { value: await file(made.hash) };
  const input = { model: modelRef(db, id, 'id'), format };
  return { job: enqueueOnce(context, 'export-model', input, (asked) => `${asked.model.blob} ${asked.format}`) };
}

/** Every format that the model can be had as, and what is known of the files that were made. Fails with `not-found`. */
export async function listModelExports({ store }: Context, id: string): Promise<{ items: ModelExport[] }> {
  const { name, blob, tfjs } = modelRow(store.db, id, 'id');
  const { size } = await stat(await store.blobs.localPath(tfjs));
  const rows = store.db.select().from(exports).where(eq(exports.blob, blob)).all();
  const made = new Map<string, ModelExport['made']>(
    rows.map(({ format, file, bytes, losses }) => [format, { sha256: file, bytes, losses }]),
  );
  made.set('tfjs', { sha256: tfjs, bytes: size, losses: [] });
  const formats = Object.keys(exportFormats) as ExportFormat[];
  return {
    items: formats.map((format) => ({
      format,
      fileName: `${name}${exportFormats[format].suffix}`,
      content: contentPath(id, format),
      made: made.get(format) ?? null,
    })),
  };
}

/** Removes the exports of a stored network that no model is any longer; returns their files' hashes. */
export function removeExports(tx: Transaction, blob: string): string[] {
  if (tx.select({ id: models.id }).from(models).where(eq(models.blob, blob)).get()) return [];
  return tx
    .delete(exports)
    .where(eq(exports.blob, blob))
    .returning({ file: exports.file })
    .all()
    .map(({ file }) => file);
}
