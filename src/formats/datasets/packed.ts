import { openSync, readSync, statSync } from 'node:fs';
import type { Pixels } from '../../core/images.ts';

/**
 * Pixels in a file that `packInto` wrote, read where they are asked for; what memory is free keeps what was read, by the
 * system's page cache. The file stays open for as long as the process lives, and readable even after it is removed.
 */
export function openPacked(path: string): Pixels {
  const file = openSync(path, 'r');
  return {
    length: statSync(path).size,
    subarray(begin, end) {
      const bytes = new Uint8Array(end - begin);
      const read = readSync(file, bytes, 0, bytes.length, begin);
      if (read < bytes.length) throw new Error(`${path} ends at ${begin + read}, before ${end}.`);
      return bytes;
    },
  };
}
