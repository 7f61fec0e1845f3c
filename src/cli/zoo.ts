import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The starter backbones that come with the project. */
export const zooDir = fileURLToPath(new URL('../../zoo', import.meta.url));

/** Their names, in order. */
export function zooNames(): string[] {
  return readdirSync(zooDir, { withFileTypes: true })
    .filter((entry) => entry.isDirectory())
    .map(({ name }) => name)
    .sort();
}
