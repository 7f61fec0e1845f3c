import { limitOf } from '../dice/index.ts';
import type { DependencyGroup } from './groups.ts';

export interface WidthRules {
  /**
   * Channels kept in a group are a multiple of this where the group has that many; never fewer than one multiple. `auto`:
   * of what convolutions run well with, see {@link likedStep}.
   */
  readonly roundTo?: number | 'auto';
  /** Fewest channels kept in a group. */
  readonly minChannels?: number;
}

/** The channels chosen from one group. */
export interface Choice {
  readonly group: DependencyGroup;
  /** The first to leave first. */
  readonly removed: readonly number[];
}

/** What a criterion says of one group. */
export interface Preference {
  /** Importance of each channel; pooled with those of other groups under global ranking. */
  readonly scores: Float64Array;
  /** The criterion's own choice at a ratio; where it has none the lowest scores leave, ties to the lower index. */
  readonly choose: ((ratio: number) => readonly number[]) | undefined;
}

/** The choices that a criterion makes from one group, at any ratio or number. */
export interface Selection extends Pick<Preference, 'scores'> {
  readonly group: DependencyGroup;
  /** Most channels that may leave. */
  readonly most: number;
  /** Channels that left in earlier steps; ratios count them. */
  readonly gone: number;
  /** Channels that a ratio asks for: rounded by the width rules, but also those that the rules hold. */
  asked(ratio: number): number;
  /** Channels that leave at a ratio, the first to leave first. */
  atRatio(ratio: number): readonly number[];
  /** At most this many, as the width rules allow. */
  atCount(count: number): readonly number[];
  /** One step of width fewer than these. */
  wider(removed: readonly number[]): readonly number[];
  /** One step of width more than these, as far as a channel stays. */
  narrower(removed: readonly number[]): readonly number[];
}

export function createSelection(
  group: DependencyGroup,
  { scores, choose }: Preference,
  { roundTo: asked = 1, minChannels = 1 }: WidthRules,
  gone = 0,
): Selection {
  const { size } = group;
  const roundTo = asked === 'auto' ? likedStep(size + gone) : asked;
  const least = Math.min(size, Math.max(roundTo, Math.ceil(minChannels / roundTo) * roundTo));
  const select = choose ?? lowest(scores);
  const ruled = (count: number): number => {
    const kept = Math.round((size - count) / roundTo) * roundTo;
    return size - Math.min(size, Math.max(kept, least));
  };
  const unruled = (ratio: number): number => Math.max(0, limitOf(size + gone, ratio) - gone);
  const ofCount = (count: number): readonly number[] => (count === 0 ? [] : select(count / size).slice(0, count));
  /** Where the criterion gives fewer than wanted, the width is brought back to a multiple. */
  const whole = (chosen: readonly number[], wanted: number): readonly number[] => {
    const surplus = chosen.length < wanted ? (roundTo - ((size - chosen.length) % roundTo)) % roundTo : 0;
    return chosen.slice(0, Math.max(0, chosen.length - surplus));
  };
  return {
    group,
    scores,
    most: size - least,
    gone,
    asked: (ratio) => (unruled(ratio) > size - least ? unruled(ratio) : ruled(unruled(ratio))),
    atRatio(ratio) {
      const wanted = ruled(unruled(ratio));
      if (wanted === 0) return [];
      // The criterion's own choice at this very ratio, unless the width rules change the number.
      return whole(wanted === limitOf(size, ratio) ? select(ratio) : ofCount(wanted), wanted);
    },
    atCount(count) {
      const wanted = ruled(count);
      return whole(ofCount(wanted), wanted);
    },
    narrower: (removed) => ofCount(Math.min(removed.length + roundTo, size - least)),
    wider: (removed) => ofCount(Math.max(0, removed.length - roundTo)),
  };
}

/**
 * Widths that convolutions run well with on CPUs: their kernels take 16 channels at a time (AVX-512), or 8 (AVX2, and the
 * tiles of WebAssembly's), and a remainder costs nearly as much as a whole step: at 16×16 pixels 18 channels take TensorFlow
 * 1.7 times as long as 16, for 1.27 times the arithmetic. In groups that are too narrow for three steps of 16 the smaller
 * step leaves a choice of widths.
 */
function likedStep(size: number): number {
  if (size >= 48) return 16;
  return size >= 16 ? 8 : Math.min(4, size);
}

function lowest(scores: Float64Array): (ratio: number) => readonly number[] {
  const order = Array.from(scores, (_, channel) => channel).sort((a, b) => scores[a] - scores[b] || a - b);
  return (ratio) => order.slice(0, limitOf(scores.length, ratio));
}
