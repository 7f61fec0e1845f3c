/** Successive halving (Jamieson & Talwalkar 2016): all candidates train for a few epochs, the worse half is dropped, the rest goes on. */
export interface Halving {
  /** Epochs of one whole training: what the learning rate's schedule is laid out for. */
  readonly epochs: number;
  /** After `untilEpoch` the best `keep` go on; the last round keeps all that reached it. */
  readonly rounds: readonly { readonly untilEpoch: number; readonly candidates: number; readonly keep: number }[];
}

/**
 * Rounds of doubling length until at most two candidates are left, as long as the budget allows; what is left of it
 * lengthens the last round.
 *
 * @param candidates how many begin
 * @param epochsMax epochs over all candidates together, at least one for each
 */
export function halvingOf(candidates: number, epochsMax: number): Halving {
  const sizes = [candidates];
  for (let size = candidates; size > 2;) sizes.push((size = Math.ceil(size / 2)));
  // Fewer rounds where the budget does not hold one epoch for each step of the whole ladder.
  while (sizes.length > 1 && costOf(sizes, 1) > epochsMax) sizes.pop();
  const unit = Math.floor(epochsMax / costOf(sizes, 1));
  const last = sizes[sizes.length - 1];
  const left = epochsMax - costOf(sizes, unit);
  const rounds = sizes.map((size, round) => ({
    untilEpoch: unit * 2 ** round + (round === sizes.length - 1 ? Math.floor(left / last) : 0),
    candidates: size,
    keep: sizes[round + 1] ?? size,
  }));
  return { epochs: rounds[rounds.length - 1].untilEpoch, rounds };
}

/** Epochs that a halving runs over all candidates. */
export function epochsOf({ rounds }: Halving): number {
  return rounds.reduce((sum, { untilEpoch, candidates }, at) => sum + candidates * (untilEpoch - (rounds[at - 1]?.untilEpoch ?? 0)), 0);
}

/** Epochs over all candidates when round r ends at epoch unit · 2^r. */
function costOf(sizes: readonly number[], unit: number): number {
  return sizes.reduce((sum, size, round) => sum + size * unit * (round === 0 ? 1 : 2 ** (round - 1)), 0);
}
