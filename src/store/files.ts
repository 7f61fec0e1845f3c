import { open, rename, rm } from 'node:fs/promises';

/**
 * Writes a file so that whoever reads it finds the one before or the new one whole, also after a power cut.
 *
 * @param unfinished where the content is until then; of its own for each writer where several may write at once
 */
export async function replaceFile(path: string, content: Uint8Array | string, unfinished = `${path}.new`): Promise<void> {
  try {
    const file = await open(unfinished, 'w', 0o600);
    try {
      await file.writeFile(content);
      // Without it, a power cut may leave the new name on an empty file.
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(unfinished, path);
  } finally {
    await rm(unfinished, { force: true });
  }
}
