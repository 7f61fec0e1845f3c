import type { LinearAlgebra } from '../linear/algebra.ts';
import type { Estimate } from '../stats/index.ts';
import type { Alignment } from './alignment.ts';
import type { Features } from './features.ts';
import type { CandidateScores, ScoreId } from './scores.ts';

/** Dice diversity as a profile gives it. */
export interface DiversityEvidence {
  readonly diversity: number;
  readonly diversityExcess: number;
  /** That the sample of images and positions leaves; 0 when absent. */
  readonly standardError?: number;
}

/** What is known of one backbone on the target's training and validation images; never of test images. */
export interface TransferEvidence {
  readonly features: Features;
  /** Class of each image, below `classes`; the same images in the same order for all candidates. */
  readonly labels: ArrayLike<number>;
  readonly classes: number;
  /** Logits of the backbone's own head on the same images: count × classes, row-major. */
  readonly source?: { readonly classes: number; readonly logits: Float32Array };
  readonly weights?: DiversityEvidence;
  readonly activations?: DiversityEvidence;
  /** Null where nothing is known of the source's activations. */
  readonly alignment?: Alignment | null;
  readonly flops: number;
  readonly params: number;
  /** On its own source's test images. */
  readonly sourceAccuracy?: Estimate;
}

export interface ScoreOptions {
  /** Of NLEEP's mixture. */
  readonly seed: number;
  /** The engine's. */
  readonly linear: LinearAlgebra;
}

export interface ScoredCandidate {
  readonly scores: CandidateScores;
  /**
   * How much a score moves when an image counts more, ∂score/∂weight, one value an image, for each score that images
   * move: what intervals and paired bootstraps over images are made of.
   */
  readonly influences: Readonly<Partial<Record<ScoreId, Float64Array>>>;
  /** What makes the scores of this candidate doubtful, a sentence a doubt. */
  readonly warnings: readonly string[];
}
