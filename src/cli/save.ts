import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { Failure } from '../core/failure.ts';
import { openArchive } from '../formats/archive.ts';
import type { Model } from '../schema/models.ts';
import type { Session } from './session.ts';

/** Where artifacts go when no folder is named. */
const DEFAULT_FOLDER = 'out';

/**
 * Writes a model's tfjs files, and the given ones beside them, into a folder of its own (default `out/NAME`). The folder
 * appears whole or not at all.
 * @returns the folder
 * @throws Failure `conflict` when a thousand folders of that name exist
 */
export async function saveArtifact(
  { client }: Session,
  model: Model,
  folder = join(DEFAULT_FOLDER, model.name.replaceAll(/[^\w.-]+/g, '-')),
  files: Readonly<Record<string, string>> = {},
): Promise<string> {
  const unfinished = `${folder}.part-${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  try {
    const zip = join(unfinished, '.tfjs.zip');
    await writeFile(zip, await client.bytes(`/models/${model.id}/content?format=tfjs`));
    for await (const entry of openArchive(zip)) {
      const path = join(unfinished, entry.name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, await entry.read());
    }
    await rm(zip);
    for (const [name, text] of Object.entries(files)) await writeFile(join(unfinished, name), text);
    return await moveToFree(unfinished, folder);
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/** Renames to the folder, or to `folder-2`, `folder-3`, … when there is one of that name: nothing is overwritten. */
async function moveToFree(from: string, folder: string): Promise<string> {
  for (let n = 1; n < 1000; n++) {
    const target = n === 1 ? folder : `${folder}-${n}`;
    try {
      await rename(from, target);
      return target;
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && (error.code === 'ENOTEMPTY' || error.code === 'EEXIST'))) throw error;
    }
  }
  throw new Failure('conflict', `There are 1,000 folders called ${folder}-N already.`, {
    hint: 'Name another with --out.',
    field: '--out',
  });
}
