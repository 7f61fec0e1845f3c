import { open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { Checkpoints } from '../engine/types.ts';

const NAME = /^[\w.-]{1,100}$/;

/** A file in a job's work directory; a reader finds the one before or the new one, never a part of it. */
export function fileCheckpoints(workDir: string, name: string): Checkpoints {
  if (!NAME.test(name)) throw new Error(`not a name of a checkpoint: ${name}`);
  const path = join(workDir, `${name}.checkpoint`);
  return {
    load: () =>
      readFile(path).catch((error) => {
        if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
        throw error;
      }),
    save: async (bytes) => {
      const unfinished = `${path}.new`;
      const handle = await open(unfinished, 'w', 0o600);
      try {
        await handle.writeFile(bytes);
        // Without it, a power cut may leave the new name on an empty file.
        await handle.sync();
      } finally {
        await handle.close();
      }
      await rename(unfinished, path);
    },
  };
}
