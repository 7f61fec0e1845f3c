/** Seeds that finalists are trained with at most: what a mean gains by more is less than what longer trainings do. */
const SEEDS_MAX = 3;
/** Epochs that a training has at least where there are several seeds: the spread of trainings that have hardly begun tells nothing. */
const SEEDED_EPOCHS_MIN = 8;

/**
 * Successive halving (Jamieson & Talwalkar 2016): all candidates train for a few epochs, the worse half is dropped, the rest goes on.
 * Those that reach the end are trained again with other seeds, as far as the budget goes.
 */
export interface Halving {
  /** Epochs of one whole training: what the learning rate's schedule is laid out for. */
  readonly epochs: number;
  /** Trainings of each that reaches the end. */
  readonly seeds: number;
  /** After `untilEpoch` the best `keep` go on; the last round keeps all that reached it. */
  readonly rounds: readonly { readonly untilEpoch: number; readonly candidates: number; readonly keep: number }[];
}

/**
 * Rounds of doubling length until at most two candidates are left, as long as the budget allows, and as many seeds as leave each
 * training long enough; what is left of the budget lengthens the last round.
 *
 * @param candidates how many begin
 * @param epochsMax epochs over all candidates together, at least one for each
 */
export function halvingOf(candidates: number, epochsMax: number): Halving {
  const sizes = [candidates];
  for (let size = candidates; size > 2;) sizes.push((size = Math.ceil(size / 2)));
  // Fewer rounds where the budget does not hold one epoch for each step of the whole ladder.
  while (sizes.length > 1 && ladderEpochs(sizes, 1) > epochsMax) sizes.pop();
  for (let seeds = SEEDS_MAX; ; seeds--) {
    const halving = laidOut(sizes, seeds, epochsMax);
    if (seeds === 1 || halving.epochs >= SEEDED_EPOCHS_MIN) return halving;
  }
}

function laidOut(sizes: readonly number[], seeds: number, epochsMax: number): Halving {
  const last = sizes[sizes.length - 1];
  const ofUnit = ladderEpochs(sizes, 1) + (seeds - 1) * last * 2 ** (sizes.length - 1);
  const unit = Math.floor(epochsMax / ofUnit);
  const longer = Math.floor((epochsMax - unit * ofUnit) / (last * seeds));
  const epochs = unit === 0 ? 0 : unit * 2 ** (sizes.length - 1) + longer;
  const rounds = sizes.map((size, round) => {
    const isLast = round === sizes.length - 1;
    return { untilEpoch: isLast ? epochs : unit * 2 ** round, candidates: size, keep: sizes[round + 1] ?? size };
  });
  return { epochs, seeds, rounds };
}

/** Epochs over all candidates when round r ends at epoch unit · 2^r. */
function ladderEpochs(sizes: readonly number[], unit: number): number {
  return sizes.reduce((sum, size, round) => sum + size * unit * (round === 0 ? 1 : 2 ** (round - 1)), 0);
}

/** Epochs that a halving runs over all candidates. */
export function epochsOf({ epochs, seeds, rounds }: Halving): number {
  const again = (seeds - 1) * epochs * rounds[rounds.length - 1].keep;
  return rounds.reduce((sum, { untilEpoch, candidates }, at) => sum + candidates * (untilEpoch - (rounds[at - 1]?.untilEpoch ?? 0)), again);
}

export interface Trials<T> {
  /** Trains a candidate by one epoch, to the end of `epoch`; with the first seed, 0, where none is said. */
  train(candidate: T, epoch: number, seed?: number): Promise<void>;
  /** Of what it was after that epoch, with the first seed. */
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
 * @returns the rounds that reached an epoch, and how many seeds all of the last round's candidates were trained with to the end
 */
export async function runHalving<T>(
  candidates: readonly T[],
  { epochs, seeds, rounds }: Halving,
  trials: Trials<T>,
): Promise<{ rounds: Round<T>[]; seeds: number }> {
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
    if (over) return { rounds: went, seeds: 1 };
    alive = best.slice(0, keep);
  }
  for (let seed = 1; seed < seeds; seed++) {
    for (let epoch = 1; epoch <= epochs; epoch++) {
      for (const candidate of alive) {
        if (trials.isOver()) return { rounds: went, seeds: seed };
        await trials.train(candidate, epoch, seed);
      }
    }
  }
  return { rounds: went, seeds };
}
