import { createRandom } from '../../core/random.ts';
import { splitNames, type SplitName } from './container.ts';

/** An image before the splits are settled. */
export interface Candidate {
  readonly name: string;
  readonly label: number;
  readonly fingerprint: string;
  /** Null where the archive has no splits. */
  readonly split: SplitName | null;
}

export type Splits<T> = Record<SplitName, T[]>;

/** Share of each class's training images that goes to a split that the archive lacks. */
const SHARE = 0.2;

/**
 * Settles the splits. Images without one count as train; each of validation and test that no image names takes 20 % of every
 * class's train images, at least one while train keeps one. So no splits at all give 60/20/20. Which images go, and the order within
 * each split, depend on names and seed alone.
 *
 * An image whose pixels an earlier split holds (train, validation, test in that order) is left out and counted.
 */
export function settleSplits<T extends Candidate>(
  candidates: readonly T[],
  seed: number,
): { splits: Splits<T>; splitsGiven: boolean; duplicates: number } {
  const random = createRandom(seed);
  const ordered = shuffled(
    [...candidates].sort((a, b) => (a.name < b.name ? -1 : Number(a.name > b.name))),
    random.shuffle,
  );
  const splits: Splits<T> = { train: [], validation: [], test: [] };
  for (const candidate of ordered) splits[candidate.split ?? 'train'].push(candidate);
  const lacking = (['validation', 'test'] as const).filter((split) => splits[split].length === 0);
  const groups = byLabel(splits.train);
  splits.train = [];
  for (const [position, images] of groups.entries()) {
    let taken = 0;
    // The order turns from class to class, so that classes of two images do not leave one split empty.
    for (const split of position % 2 === 0 ? lacking : lacking.toReversed()) {
      const share = Math.min(Math.max(1, Math.round(images.length * SHARE)), images.length - 1 - taken);
      splits[split].push(...images.slice(taken, taken + share));
      taken += share;
    }
    splits.train.push(...images.slice(taken));
  }
  const duplicates = dropDuplicates(splits);
  for (const split of splitNames) splits[split] = shuffled(splits[split], random.shuffle);
  return { splits, splitsGiven: lacking.length === 0, duplicates };
}

function shuffled<T>(values: readonly T[], shuffle: (order: Int32Array) => Int32Array): T[] {
  return Array.from(shuffle(Int32Array.from(values.keys())), (position) => values[position]);
}

/** Groups in the order of the labels. */
function byLabel<T extends Candidate>(images: readonly T[]): T[][] {
  const groups = new Map<number, T[]>();
  for (const image of images) {
    const group = groups.get(image.label);
    if (group) group.push(image);
    else groups.set(image.label, [image]);
  }
  return [...groups].sort(([a], [b]) => a - b).map(([, group]) => group);
}

function dropDuplicates<T extends Candidate>(splits: Splits<T>): number {
  const seen = new Set<string>();
  let dropped = 0;
  for (const split of splitNames) {
    const kept = splits[split].filter((image) => !seen.has(image.fingerprint));
    dropped += splits[split].length - kept.length;
    splits[split] = kept;
    for (const image of kept) seen.add(image.fingerprint);
  }
  return dropped;
}
