import { eq } from 'drizzle-orm';
import { Failure } from '../core/failure.ts';
import { limits } from '../limits.ts';
import type { Prediction } from '../schema/evaluations.ts';
import type { Job } from '../schema/jobs.ts';
import { predictions } from '../store/tables.ts';
import { collectBlobs } from '../store/references.ts';
import type { Context } from './context.ts';
import { modelRef } from './references.ts';

/** An image as it comes in: its name for the answer, and its bytes. */
export interface SentImage {
  readonly file: string;
  readonly bytes: AsyncIterable<Uint8Array> | Uint8Array;
}

/** Streams the images to disk and queues their classification. Fails with `not-found`, `invalid-request` and `limit-exceeded`. */
export async function predict(
  context: Context,
  { id, images, top }: { id: string; images: Iterable<SentImage>; top: number },
): Promise<Job> {
  const { store, queue } = context;
  modelRef(store.db, id, 'id');
  const stored: { blob: string; file: string }[] = [];
  try {
    for (const { file, bytes } of images) {
      const blob = await store.blobs.write(bytes, limits.imageBytesMax);
      stored.push({ blob: blob.hash, file });
      if (blob.bytes === 0) throw new Failure('invalid-request', `${file} is empty.`, { hint: 'Send an image file as the raw body.' });
    }
    return store.transaction((tx) => queue.enqueue(tx, 'predict', { model: modelRef(tx, id, 'id'), images: stored, top }));
  } catch (error) {
    await collectBlobs(
      context.store,
      stored.map(({ blob }) => blob),
    );
    throw error;
  }
}

/** What a predict job found. Fails with `not-found`, also while the job has not ended. */
export function getPrediction({ store }: Context, jobId: string): Prediction {
  const row = store.db.select().from(predictions).where(eq(predictions.jobId, jobId)).get();
  if (!row)
    throw new Failure('not-found', `There is no prediction of ${jobId}.`, {
      hint: `GET /jobs/${jobId} says what became of it.`,
      field: 'id',
    });
  return row.result;
}
