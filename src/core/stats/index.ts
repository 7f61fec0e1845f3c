export { mcNemar, wilson, type Estimate, type McNemar } from './binomial.ts';
export { percentileEstimate, REPLICATES, stratifiedResampler } from './bootstrap.ts';
export { predict, softmax, type Calibration, type Predictions } from './classification.ts';
export { dropBound, leastCertifiableDrop } from './drop.ts';
export { compareLogits, evaluateLogits, type Evaluation, type PairedComparison } from './evaluate.ts';
export { mean, median, quantile, quantileOfSorted, sampleVariance } from './quantile.ts';
export { regretAtK, weightedKendallTau } from './ranking.ts';
export { compareSeeds, type SeededFigures } from './seeds.ts';
