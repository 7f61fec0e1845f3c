import { createRandom } from '../random.ts';
import type { Estimate } from './binomial.ts';
import { REPLICATES, stratifiedResampler } from './bootstrap.ts';
import { accuracy, countClasses, macroF1 } from './classification.ts';
import { mean, sampleVariance } from './quantile.ts';
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

type Figure = 'accuracy' | 'macroF1';

/**
 * What several ways to train reach, each run with the same seeds and measured on the same images. Two things make such a
 * mean uncertain, and the 95 % interval holds both. Which images were drawn: the variance of a stratified bootstrap of
 * the mean over the seeds. Which seeds were: runs vary about their way's mean, and by as much in every way, so that all
 * ways tell how much; for a difference it is the residual of ways × seeds, the seeds being blocks (Fisher 1935). The
 * variances add, with Welch–Satterthwaite degrees of freedom. With one seed the interval knows the images alone.
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
  const figuresAt = (images?: Int32Array): Record<Figure, number[]>[] =>
    ways.map((runs) => {
      const counts = runs.map((predicted) => countClasses(predicted, labels, classes, images));
      return { accuracy: counts.map(accuracy), macroF1: counts.map(macroF1) };
    });
  const observed = figuresAt();
  const resample = stratifiedResampler(labels, createRandom(seed));
  const replicates = Array.from({ length: REPLICATES }, () =>
    figuresAt(resample()).map((figures) => ({ accuracy: mean(figures.accuracy), macroF1: mean(figures.macroF1) })),
  );
  const estimates = (figure: Figure): { own: Estimate; difference: Estimate }[] => {
    const table = observed.map((of) => of[figure]);
    const spread = spreadOf(table);
    const means = table.map(mean);
    return means.map((value, way) => {
      const own = withInterval(
        value,
        replicates.map((at) => at[way][figure]),
        spread.mean,
      );
      const difference = withInterval(
        value - means[0],
        replicates.map((at) => at[way][figure] - at[0][figure]),
        spread.difference,
      );
      return { own: within01(own), difference: way === 0 ? { value: 0, low: 0, high: 0 } : difference };
    });
  };
  const [accuracies, f1s] = [estimates('accuracy'), estimates('macroF1')];
  return ways.map((_, way) => ({
    runs: observed[way].accuracy.map((value, run) => ({ accuracy: value, macroF1: observed[way].macroF1[run] })),
    accuracy: accuracies[way].own,
    macroF1: f1s[way].own,
    accuracyDifference: accuracies[way].difference,
    macroF1Difference: f1s[way].difference,
  }));
}

/** What the seeds add to the variance of a mean over them. */
interface Spread {
  readonly variance: number;
  /** Degrees of freedom that it is known with. */
  readonly freedom: number;
}

/** @param table figures [way][seed] */
function spreadOf(table: readonly (readonly number[])[]): { mean: Spread; difference: Spread } {
  const [ways, seeds] = [table.length, table[0].length];
  const ofWay = table.map(mean);
  const ofSeed = table[0].map((_, seed) => mean(table.map((runs) => runs[seed])));
  const grand = mean(ofWay);
  let within = 0;
  let residual = 0;
  for (const [way, runs] of table.entries()) {
    for (const [seed, value] of runs.entries()) {
      within += (value - ofWay[way]) ** 2;
      residual += (value - ofWay[way] - ofSeed[seed] + grand) ** 2;
    }
  }
  const spread = (squares: number, freedom: number, share: number): Spread => ({
    variance: freedom === 0 ? 0 : (squares / freedom) * share,
    freedom,
  });
  return {
    mean: spread(within, ways * (seeds - 1), 1 / seeds),
    difference: spread(residual, (ways - 1) * (seeds - 1), 2 / seeds),
  };
}

function withInterval(value: number, replicates: readonly number[], seeds: Spread): Estimate {
  const total = sampleVariance(replicates) + seeds.variance;
  const freedom = seeds.variance === 0 ? Number.POSITIVE_INFINITY : (total / seeds.variance) ** 2 * seeds.freedom;
  const half = studentT95(freedom) * Math.sqrt(total);
  return { value, low: value - half, high: value + half };
}

const within01 = ({ value, low, high }: Estimate): Estimate => ({ value, low: Math.max(0, low), high: Math.min(1, high) });
