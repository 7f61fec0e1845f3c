import { existsSync } from 'node:fs';
import { mkdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import type { Checkpoints } from '../../src/engine/index.ts';
import { fileCheckpoints } from '../../src/jobs/checkpoints.ts';
import { replaceFile } from '../../src/store/files.ts';

export const root = join(import.meta.dirname, '../..');

/** What has been measured, one JSON file a run in .cache/evidence, so that a stopped evidence goes on where it was. */
export interface Store<T> {
  get(key: string): Promise<T | undefined>;
  put(key: string, value: T): Promise<void>;
  /** Of a run's training; removed when its result is put. */
  checkpoints(key: string): Checkpoints;
  /** A file beside a run's result. */
  path(key: string, extension: string): string;
}

export async function openStore<T>(name: string, schema: z.ZodType<T>): Promise<Store<T>> {
  const folder = join(root, '.cache/evidence', name);
  await mkdir(folder, { recursive: true });
  const path = (key: string, extension: string): string => join(folder, `${key}.${extension}`);
  const resultOf = (key: string): string => path(key, 'json');
  return {
    async get(key) {
      return existsSync(resultOf(key)) ? schema.parse(JSON.parse(await readFile(resultOf(key), 'utf8'))) : undefined;
    },
    async put(key, value) {
      await replaceFile(resultOf(key), JSON.stringify(value));
      await rm(path(key, 'checkpoint'), { force: true });
    },
    checkpoints: (key) => fileCheckpoints(folder, key),
    path,
  };
}
