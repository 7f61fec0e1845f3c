/** Values of a training's weights, by key, laid out as the weights are. */
export type WeightValues = ReadonlyMap<string, Float32Array>;

/** What a step's gradient is made to do beside lowering the loss. */
export interface Penalty {
  /** `l2`: gradient += coefficient · w, at every step with the weights of that step. `l1`: gradient += coefficient · sign(w). */
  readonly norm: 'l1' | 'l2';
  /** Coefficients of the weights that are penalised; none of the others. */
  readonly coefficients: WeightValues;
}

/** Where a training is: steps done, and in all. */
export interface TrainingMoment {
  readonly step: number;
  readonly steps: number;
}

/**
 * What a pruning schedule does to a training while it runs. The answers follow from the moment and the weights alone, so
 * that a training that goes on from a checkpoint ends alike.
 */
export interface TrainingHook {
  /** Added to the gradient of the loss; asked for at the beginning of each epoch and every so many steps within it. */
  readonly penalty?: {
    readonly everySteps: number;
    at(moment: TrainingMoment, weights: () => WeightValues): Penalty;
  };
  /** Values that replace weights after an epoch, before it is validated. */
  project?(weights: WeightValues): WeightValues;
  /** Whether an epoch's end is the training's. */
  ended?(weights: WeightValues): boolean;
  /** Weights without weight decay, by key. */
  readonly undecayed?: ReadonlySet<string>;
}
