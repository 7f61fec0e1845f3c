import { existsSync } from 'node:fs';
import { readFile, rename, writeFile } from 'node:fs/promises';
import type { Checkpoints } from '../src/engine/index.ts';

/** A training's checkpoint in a file, replaced atomically. */
export function fileCheckpoints(path: string): Checkpoints {
  return {
    load: async () => (existsSync(path) ? readFile(path) : undefined),
    save: (bytes) => replaceFile(path, bytes),
  };
}

/** Writes a file so that whoever reads it finds the old one or the new one whole. */
export async function replaceFile(path: string, content: Uint8Array | string): Promise<void> {
  await writeFile(`${path}.partial`, content);
  await rename(`${path}.partial`, path);
}
