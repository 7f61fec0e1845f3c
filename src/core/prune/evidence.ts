import type { SampledActivations } from '../dice/index.ts';

/** Sampled activations by convolution id, as the engine returns them. */
export type Activations = ReadonlyMap<string, SampledActivations>;

/** Values that belong to weights, by weight key (`conv1/kernel`), laid out as the weight is. */
export type ByWeight = ReadonlyMap<string, Float32Array>;

/** Gradients of the mean cross-entropy over calibration batches, with moving BatchNormalization statistics. */
export interface Gradients {
  /** Mean over the batches. */
  readonly mean: ByWeight;
  /** Mean over the batches of the squared gradient. */
  readonly meanSquare: ByWeight;
}

/** What a convolution's feature maps look like, one value a channel; see `featureMapStatistics`. */
export interface FeatureMapStatistics {
  /** Mean rank of the channel's maps, as matrices. */
  readonly meanRank: Float64Array;
  /** Share of the values that are zero. */
  readonly zeroShare: Float64Array;
  /** True where the maps are read after a ReLU. */
  readonly nonNegative: boolean;
}

export type FeatureMaps = ReadonlyMap<string, FeatureMapStatistics>;

/** What criteria look at beside the weights; a criterion says what it needs. */
export interface Evidence {
  readonly activations?: Activations;
  readonly gradients?: Gradients;
  /** H·g, the Hessian of the loss times its gradient. */
  readonly hessianProduct?: ByWeight;
  readonly featureMaps?: FeatureMaps;
}

export type Need = keyof Evidence;

/** What Dice criteria compare: kernels, activations, or kernels less what permuted kernels would give (METHOD.md §1). */
export type Source = 'weights' | 'activations' | 'weights-excess';
