import type { ScoreId } from './scores.ts';

/** One backbone fine-tuned on one target: what was known before, and what came out. */
export interface Outcome {
  /** The dataset, and what may explain how well scores foretell on it. */
  readonly target: {
    readonly id: string;
    /** Where its images come from, if that is more than itself: targets of one source are left out together when errors are judged. */
    readonly source?: string;
    readonly classes: number;
    /** Training and validation images that the scores saw. */
    readonly images: number;
  };
  readonly backbone: string;
  /** A score that could not be computed is null or left out. */
  readonly scores: Readonly<Partial<Record<ScoreId, number | null>>>;
  /** Test (or validation) accuracy after fine-tuning, mean over the seeds. */
  readonly accuracy: number;
  /** Number of seeds, and the standard deviation of the accuracy between them; null for one seed. */
  readonly seeds: number;
  readonly seedSpread: number | null;
}
