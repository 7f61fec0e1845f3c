import type { SplitName } from './container.ts';

/** Where an image belongs by its path; split null where the archive has no split folders. */
export interface Place {
  readonly split: SplitName | null;
  readonly className: string;
}

const splitFolders = new Map<string, SplitName>([
  ['train', 'train'],
  ['val', 'validation'],
  ['valid', 'validation'],
  ['validation', 'validation'],
  ['test', 'test'],
]);

/** Hidden files and what macOS and Windows leave in folders. */
export function isClutter(path: string): boolean {
  return path.split('/').some((part) => part.startsWith('.') || part === '__MACOSX') || /(^|\/)(Thumbs\.db|desktop\.ini)$/i.test(path);
}

/**
 * Reads classes and splits off the paths of images: `SPLIT/CLASS/file` or `CLASS/file`, whichever most of them follow, under any
 * number of folders that hold everything. Null for an image elsewhere.
 */
export function placeImages(paths: readonly string[]): (Place | null)[] {
  const parts = withoutCommonTop(paths.map((path) => path.normalize('NFC').split('/')));
  const inSplit = (part: readonly string[]): boolean => part.length === 3 && splitFolders.has(part[0].toLowerCase());
  if (isMost(parts.filter(inSplit), parts)) {
    return parts.map((part) => (inSplit(part) ? { split: splitFolders.get(part[0].toLowerCase()) ?? null, className: part[1] } : null));
  }
  return parts.map((part) => (part.length === 2 ? { split: null, className: part[0] } : null));
}

function isMost(some: readonly unknown[], all: readonly unknown[]): boolean {
  return some.length * 2 > all.length;
}

/** Drops the first folder while most images are deep enough to spare it and all of those share it. An image outside it keeps an empty place. */
function withoutCommonTop(parts: readonly string[][]): string[][] {
  const deep = parts.filter((part) => part.length >= 3);
  const top = deep[0]?.[0];
  if (!isMost(deep, parts) || splitFolders.has(top.toLowerCase()) || deep.some((part) => part[0] !== top)) return [...parts];
  return withoutCommonTop(parts.map((part) => (part[0] === top ? part.slice(1) : [])));
}
