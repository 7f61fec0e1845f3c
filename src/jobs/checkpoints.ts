import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoints } from '../engine/types.ts';
import { replaceFile } from '../store/files.ts';

const NAME = /^[\w.-]{1,100}$/;

/** A file in a folder, such as a job's work directory; a reader finds the one before or the new one, never a part of it. */
export function fileCheckpoints(folder: string, name: string): Checkpoints {
  if (!NAME.test(name)) throw new Error(`not a name of a checkpoint: ${name}`);
  const path = join(folder, `${name}.checkpoint`);
  return {
    load: () =>
      readFile(path).catch((error) => {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }),
    save: (bytes) => replaceFile(path, bytes),
  };
}
