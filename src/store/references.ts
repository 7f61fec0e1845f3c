import { eq, or } from 'drizzle-orm';
import type { Store, Tables } from './store.ts';
import { datasets, exports, jobBlobs, models, profiles } from './tables.ts';

function isReferenced(db: Tables, hash: string): boolean {
  return (
    db
      .select({ blob: models.blob })
      .from(models)
      .where(or(eq(models.blob, hash), eq(models.tfjs, hash)))
      .get() !== undefined ||
    db
      .select({ blob: datasets.blob })
      .from(datasets)
      .where(or(eq(datasets.blob, hash), eq(datasets.samples, hash)))
      .get() !== undefined ||
    db.select({ blob: exports.file }).from(exports).where(eq(exports.file, hash)).get() !== undefined ||
    db.select({ blob: profiles.matrices }).from(profiles).where(eq(profiles.matrices, hash)).get() !== undefined ||
    db.select({ blob: jobBlobs.hash }).from(jobBlobs).where(eq(jobBlobs.hash, hash)).get() !== undefined
  );
}

/**
 * Deletes the blobs that no model, export, dataset, profile or unfinished job refers to, with what was made from them; to be called after the rows are gone.
 * @param writtenUntil Unix time in milliseconds; a blob written again after it is somebody else's, who has not told us yet
 */
export async function collectBlobs(store: Store, hashes: Iterable<string>, writtenUntil = Number.POSITIVE_INFINITY): Promise<void> {
  for (const hash of hashes) {
    if (isReferenced(store.db, hash)) continue;
    await store.blobs.delete(hash, writtenUntil);
    await store.cache.forget(hash);
  }
}
