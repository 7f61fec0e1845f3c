import { limitOf, type Criterion } from './criteria.ts';
import type { DependencyGroup } from './groups.ts';

export interface WidthRules {
  /** Channels kept in a group are a multiple of this where the group has that many; never fewer than one multiple. */
  readonly roundTo?: number;
  /** Fewest channels kept in a group. */
  readonly minChannels?: number;
}

/** The channels chosen from one group. */
export interface Choice {
  readonly group: DependencyGroup;
  /** The first to leave first. */
  readonly removed: readonly number[];
}

/** The choices that a criterion makes from one group, at any ratio or number. */
export interface Selection {
  readonly group: DependencyGroup;
  /** Channels that would leave at a ratio by the width rules alone. */
  limit(ratio: number): number;
  /** Channels that leave at a ratio, the first to leave first. */
  atRatio(ratio: number): readonly number[];
  /** One step of width fewer than these. */
  wider(removed: readonly number[]): readonly number[];
  /** One step of width more than these, as far as a channel stays. */
  narrower(removed: readonly number[]): readonly number[];
}

/** @param scores the criterion's scores of this group */
export function createSelection(
  group: DependencyGroup,
  criterion: Criterion,
  scores: Float64Array,
  { roundTo = 1, minChannels = 1 }: WidthRules,
): Selection {
  const { size } = group;
  const least = Math.min(size, Math.max(roundTo, Math.ceil(minChannels / roundTo) * roundTo));
  const limit = (ratio: number): number => {
    const kept = Math.round((size - limitOf(size, ratio)) / roundTo) * roundTo;
    return size - Math.min(size, Math.max(kept, least));
  };
  const ofCount = (count: number): readonly number[] => criterion.select(scores, count / size).slice(0, count);
  return {
    group,
    limit,
    atRatio(ratio) {
      const wanted = limit(ratio);
      // The criterion's own choice at this very ratio, unless the width rules change the number.
      const chosen = wanted === limitOf(size, ratio) ? criterion.select(scores, ratio) : ofCount(wanted);
      // Where the criterion gives fewer, the width is brought back to a multiple.
      const surplus = chosen.length < wanted ? (roundTo - ((size - chosen.length) % roundTo)) % roundTo : 0;
      return chosen.slice(0, Math.max(0, chosen.length - surplus));
    },
    narrower: (removed) => ofCount(Math.min(removed.length + roundTo, size - least)),
    wider: (removed) => ofCount(Math.max(0, removed.length - roundTo)),
  };
}
