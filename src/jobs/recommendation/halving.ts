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
  while (sizes.length > 1 && ladderEpochs(sizes, 1) > epochsMax) sizes.pop();
  const unit = Math.floor(epochsMax / ladderEpochs(sizes, 1));
  const last = sizes[sizes.length - 1];
  const left = epochsMax - ladderEpochs(sizes, unit);
  const rounds = sizes.map((size, round) => ({
    untilEpoch: unit * 2 ** round + (round === sizes.length - 1 ? Math.floor(left / last) : 0),
    candidates: size,
    keep: sizes[round + 1] ?? size,
  }));
  return { epochs: rounds[rounds.length - 1].untilEpoch, rounds };
}

/** Epochs over all candidates when round r ends at epoch unit · 2^r. */
function ladderEpochs(sizes: readonly number[], unit: number): number {
  return sizes.reduce((sum, size, round) => sum + size * unit * (round === 0 ? 1 : 2 ** (round - 1)), 0);
}

/** Epochs that a halving runs over all candidates. */
export function epochsOf({ rounds }: Halving): number {
  return rounds.reduce((sum, { untilEpoch, candidates }, at) => sum + candidates * (untilEpoch - (rounds[at - 1]?.untilEpoch ?? 0)), 0);
}

export interface Trials<T> {
  /** Trains a candidate by one epoch, to the end of `epoch`. */
  train(candidate: T, epoch: number): Promise<void>;
  /** Of what it was after that epoch. */
  accuracyAt(candidate: T, epoch: number): number;
  /** Asked before every epoch: whether the budget is spent. */
  isOver(): boolean;
  /** Told of each round as it ends. */
  onRound?(round: Round<T>): void;
}

/** A round as it went: the candidates best first. */
export interface Round<T> {
  readonly untilEpoch: number;
  readonly candidates: readonly T[];
  readonly dropped: readonly T[];
}

/**
 * Runs a halving. The candidates of a round take their epochs in turns, so that when the budget ends in the midst of it they
 * are compared after the last epoch that all of them had; nobody is dropped then.
 *
 * @returns the rounds that reached an epoch
 */
export async function runHalving<T>(candidates: readonly T[], { rounds }: Halving, trials: Trials<T>): Promise<Round<T>[]> {
  const went: Round<T>[] = [];
  let alive = candidates;
  let reached = 0;
  for (const { untilEpoch, keep } of rounds) {
    let over = false;
    while (reached < untilEpoch && !over) {
      for (const candidate of alive) {
        over = trials.isOver();
        if (over) break;
        await trials.train(candidate, reached + 1);
      }
      if (!over) reached++;
    }
    const best = alive.toSorted((a, b) => trials.accuracyAt(b, reached) - trials.accuracyAt(a, reached));
    const dropped = over ? [] : best.slice(keep);
    if (reached > 0) {
      const round = { untilEpoch: reached, candidates: best, dropped };
      went.push(round);
      trials.onRound?.(round);
    }
    if (over) break;
    alive = best.slice(0, keep);
  }
  return went;
}
