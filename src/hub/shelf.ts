import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Cache } from '../store/cache.ts';
import type { Wire } from './exchange.ts';
import { ABOUT, BODY, type Downloaded, transfer, type Wanted } from './transfer.ts';

/**
 * Downloads a file into `folder`, hands it to `use`, and keeps it in the cache for the next who wants it: whole, or as far as it
 * came. Two at once do not share it; the second downloads for itself.
 * @throws what {@link transfer} and `use` throw
 */
export async function withDownload<T>(
  { cache, folder }: { readonly cache: Cache; readonly folder: string },
  wanted: Wanted,
  wire: Wire,
  use: (file: Downloaded) => Promise<T>,
): Promise<T> {
  const source = createHash('sha256').update(wanted.url.href).digest('hex');
  const places = [BODY, ABOUT].map((name) => ({ name, path: join(folder, name) }));
  await mkdir(folder, { recursive: true });
  for (const { name, path } of places) await cache.moveOut(source, name, path);
  try {
    return await use(await transfer(folder, wanted, wire));
  } finally {
    for (const { name, path } of places) await cache.moveIn(source, name, path);
  }
}
