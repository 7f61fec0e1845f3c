import type { DatasetReport } from '../../schema/datasets.ts';
import type { FineTune } from '../../schema/fine-tuning.ts';

/** Under so many training images a class, each step sees the same few images again and again. */
const FEW = 20;
const SOME = 50;
/** Largest class over smallest, from which on a rare class is hardly seen in an epoch. */
const IMBALANCE = 3;

/**
 * The fine-tuning that suits the size of the data. Few images: a lower rate, so that the features of the source are not
 * unlearned, more epochs, because each has few steps, patience, because validation turns early, and the answers of the
 * unpruned model as further targets. Flips are never proposed: they are wrong for digits and signs, and nothing in the images says so.
 */
export function recipeFor({ classes, counts }: Pick<DatasetReport, 'classes' | 'counts'>): FineTune {
  const perClass = counts.train / classes.length;
  const sizes = classes.map(({ train }) => train);
  const balance = Math.max(...sizes) >= IMBALANCE * Math.min(...sizes) ? ({ classWeights: 'balanced' } as const) : {};
  if (perClass < FEW) return { recipe: 'default', epochs: 60, learningRate: 5e-4, patience: 20, distill: true, ...balance };
  if (perClass < SOME) return { recipe: 'default', epochs: 40, learningRate: 1e-3, patience: 12, distill: true, ...balance };
  return { recipe: 'default', ...balance };
}
