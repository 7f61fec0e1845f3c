import type { Estimate } from '../stats/index.ts';
import type { ScoredCandidate } from './evidence.ts';
import type { Outcome } from './outcome.ts';
import type { ScoreId } from './scores.ts';

/** One candidate base as it goes into a ranking. */
export interface Candidate {
  readonly id: string;
  readonly name: string;
  /** From scoreCandidate, on the same images in the same order for all; or why there are none: it then comes last, by name. */
  readonly scored: ScoredCandidate | { readonly failed: string };
  readonly flops: number;
  readonly params: number;
  readonly latencyMs?: number;
  /** Share of kernels in a redundant pair of their layer. */
  readonly redundantShare: number | null;
  /** Activation diversity of the last third of the layers, for the words. */
  readonly lateDiversity?: number;
  /** True where `scored` is of the network as already pruned to the budget. */
  readonly scoredAfterPruning?: boolean;
  /** A fine-tuning that was run: it replaces the prediction. `spread` is the standard deviation between seeds, where known. */
  readonly verified?: {
    readonly accuracy: Estimate;
    readonly seeds: number;
    readonly spread: number | null;
    /** It was not trained to the end: `accuracy` is then what its distance to the others foretold, after so many epochs. */
    readonly stopped?: { readonly epochs: number; readonly accuracy: number };
  };
}

export interface Constraints {
  readonly flopsMax?: number;
  readonly paramsMax?: number;
  readonly latencyMsMax?: number;
  /** The limits hold for the pruned network: a larger candidate stays in, to be pruned to them. */
  readonly afterPruning?: boolean;
}

/** `default`: the predicted accuracy; `diversity`: mean Dice diversity of weights and activations; or a score by itself. */
export type RankBy = 'default' | 'diversity' | ScoreId;

export interface RankOptions {
  readonly seed: number;
  readonly rankBy?: RankBy;
  /** Past fine-tunings that the prediction is calibrated on. */
  readonly outcomes?: readonly Outcome[];
}

export interface Ranked {
  readonly id: string;
  /** 1 is best; candidates that tie with the first of their rank share it. Excluded and failed ones come last. */
  readonly rank: number;
  /** Every candidate whose difference to this one, in what is ranked by, has an interval that holds 0. */
  readonly tiedWith: readonly string[];
  /** Accuracy after fine-tuning; null where there are no scores. */
  readonly predictedAccuracy: Estimate | null;
  /** Share of replicates in which its predicted accuracy is the highest. */
  readonly probabilityBest: number;
  /** Its predicted accuracy minus the chosen one's. */
  readonly behindChosen: Estimate | null;
  /** The value it is ranked by, when that is not the predicted accuracy. */
  readonly rankedBy: Estimate | null;
  /** The FLOPs that it would be pruned to; null when it fits as it is. */
  readonly flopsAfterPruning: number | null;
  /** Why a constraint rules it out, or why it has no scores; null when neither. */
  readonly excluded: string | null;
  readonly reasons: readonly string[];
}

export interface Ranking {
  /** Best first. */
  readonly candidates: readonly Ranked[];
  /** Id of the first candidate. */
  readonly chosen: string;
  /** The choice in words, no stronger than its interval. */
  readonly summary: string;
  /** Where `predictedAccuracy` comes from, and on how many outcomes it was calibrated. */
  readonly predictedBy: string;
  /** What makes the whole ranking doubtful. */
  readonly warnings: readonly string[];
}
