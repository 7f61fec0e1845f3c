import { openAsBlob } from 'node:fs';
import { basename } from 'node:path';
import { z } from '@hono/zod-openapi';
import { Failure } from '../core/failure.ts';
import { prediction, type Prediction } from '../schema/evaluations.ts';
import { job } from '../schema/jobs.ts';
import type { Model } from '../schema/models.ts';
import { query } from './resolve.ts';
import type { Session } from './session.ts';

/**
 * Sends images to `POST /models/{id}/predict`.
 * @throws Failure `not-found` naming the file
 */
export async function predictFiles(
  { client }: Session,
  { id }: Model,
  paths: readonly string[],
  options: { readonly top?: number },
): Promise<Prediction> {
  const form = new FormData();
  for (const path of paths) {
    const blob = await openAsBlob(path).catch((cause: unknown) => {
      throw new Failure('not-found', `There is no file ${path}.`, { hint: 'Check the path.', field: path, cause });
    });
    form.append('image', blob, basename(path));
  }
  const answer = await client.send(`/models/${id}/predict?${query(options)}`, form, z.union([prediction, job]));
  if ('items' in answer) return answer;
  throw new Failure('conflict', `The prediction waits for other jobs (${answer.id}).`, {
    hint: `Ask again when they are done: espalier job ls`,
  });
}
