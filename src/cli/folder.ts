import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Failure } from '../core/failure.ts';

/** Where results go when no folder is named. */
export const DEFAULT_FOLDER = 'out';

/** A name as a folder may have it. */
export const folderName = (name: string): string => name.replaceAll(/[^\w.-]+/g, '-');

/** A folder that was written, and the names in it. */
export interface SavedFolder {
  readonly folder: string;
  readonly files: readonly string[];
}

/**
 * Writes files into a folder of their own. It appears whole or not at all, and nothing is overwritten: where there is one
 * of that name already, a number is added.
 *
 * @param more writes what is not text into the unfinished folder
 * @throws Failure `conflict` when a thousand folders of that name exist
 */
export async function saveFolder(
  folder: string,
  files: Readonly<Record<string, string>>,
  more: (unfinished: string) => Promise<void> = async () => {},
): Promise<SavedFolder> {
  const unfinished = `${folder}.part-${process.pid}`;
  await mkdir(unfinished, { recursive: true });
  try {
    await more(unfinished);
    for (const [name, text] of Object.entries(files)) await writeFile(join(unfinished, name), text);
    const names = await readdir(unfinished);
    return { folder: await moveToFree(unfinished, folder), files: names.sort() };
  } catch (error) {
    await rm(unfinished, { recursive: true, force: true });
    throw error;
  }
}

/** Renames to the folder, or to `folder-2`, `folder-3`, … when there is one of that name. */
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
