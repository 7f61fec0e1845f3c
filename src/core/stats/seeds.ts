import { createRandom } from '../random.ts';
import type { Estimate } from './binomial.ts';
import { REPLICATES, stratifiedResampler } from './bootstrap.ts';
import { accuracy, countClasses, macroF1 } from './classification.ts';
import { mean } from './quantile.ts';
import { studentT95 } from './student.ts';

/** Figures of one way to train, over its seeds; differences are to the first way, seed by seed on the same images. */
export interface SeededFigures {
  /** Of each seed. */
  readonly runs: readonly { readonly accuracy: number; readonly macroF1: number }[];
  readonly accuracy: Estimate;
  readonly macroF1: Estimate;
  readonly accuracyDifference: Estimate;
  readonly macroF1Difference: Estimate;
}

/**
 * What several ways to train reach, each run with the same seeds and measured on the same images. Two things make such a
 * mean uncertain, and the 95 % interval holds both: which images were drawn (variance of a stratified bootstrap of the
 * mean over the seeds) and which seeds were (their variance over their number, k − 1 degrees of freedom). The sum has
 * Welch–Satterthwaite degrees of freedom. With one seed the interval knows the images alone.
 *
 * @param ways predicted classes [way][seed][image]; as many seeds for every way
 * @param labels class indices below `classes`
 * @param options seed of the bootstrap
 */
export function compareSeeds(
  ways: readonly (readonly Int32Array[])[],
  labels: ArrayLike<number>,
  classes: number,
  { seed }: { readonly seed: number },
): SeededFigures[] {
  const figuresAt = (images?: Int32Array) =>
    ways.map((runs) => {
      const counts = runs.map((predicted) => countClasses(predicted, labels, classes, images));
      return { accuracy: counts.map(accuracy), macroF1: counts.map(macroF1) };
    });
  const observed = figuresAt();
  const resample = stratifiedResampler(labels, createRandom(seed));
  const replicates = Array.from({ length: REPLICATES }, () => figuresAt(resample()));
  const estimate = (way: number, figure: 'accuracy' | 'macroF1'): Estimate =>
    within01(
      estimateOf(
        observed[way][figure],
        replicates.map((at) => mean(at[way][figure])),
      ),
    );
  const difference = (way: number, figure: 'accuracy' | 'macroF1'): Estimate =>
    estimateOf(
      observed[way][figure].map((value, run) => value - observed[0][figure][run]),
      replicates.map((at) => mean(at[way][figure]) - mean(at[0][figure])),
    );
  return ways.map((_, way) => ({
    runs: observed[way].accuracy.map((value, run) => ({ accuracy: value, macroF1: observed[way].macroF1[run] })),
    accuracy: estimate(way, 'accuracy'),
    macroF1: estimate(way, 'macroF1'),
    accuracyDifference: difference(way, 'accuracy'),
    macroF1Difference: difference(way, 'macroF1'),
  }));
}

/** @param ofSeeds the figure of each seed @param ofReplicates its mean over the seeds, in each replicate of the images */
function estimateOf(ofSeeds: readonly number[], ofReplicates: readonly number[]): Estimate {
  const value = mean(ofSeeds);
  const images = variance(ofReplicates);
  const seeds = ofSeeds.length > 1 ? variance(ofSeeds) / ofSeeds.length : 0;
  const total = images + seeds;
  const freedom = seeds === 0 ? Number.POSITIVE_INFINITY : (total * total * (ofSeeds.length - 1)) / (seeds * seeds);
  const half = studentT95(freedom) * Math.sqrt(total);
  return { value, low: value - half, high: value + half };
}

function variance(values: readonly number[]): number {
  const centre = mean(values);
  return values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1);
}

const within01 = ({ value, low, high }: Estimate): Estimate => ({ value, low: Math.max(0, low), high: Math.min(1, high) });
