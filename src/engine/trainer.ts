import { Failure } from '../core/failure.ts';
import type { ImageSet } from '../core/images.ts';
import { logitsNode, sizeOf } from '../core/network/index.ts';
import type { Network } from '../core/network/types.ts';
import { restoreRandom } from '../core/random.ts';
import type { Random } from '../core/random.ts';
import type { TrainingHook } from '../core/training-hook.ts';
import { augmenterOf } from './augment.ts';
import type { Backend } from './backend.ts';
import { forward, read, upload } from './execute.ts';
import type { DeviceWeights } from './execute.ts';
import { gradientsOf } from './gradient.ts';
import { balancedWeights, crossEntropy, distilled, mixed, mixingShare } from './loss.ts';
import type { Batch, Loss } from './loss.ts';
import { createOptimizer } from './optimizer.ts';
import type { Optimizer } from './optimizer.ts';
import { arraysOf, gatherValues, lengthOf, splitValues } from './parameters.ts';
import type { Trained } from './parameters.ts';
import { batchesOf } from './pixels.ts';
import { planOf } from './plan.ts';
import type { Plan } from './plan.ts';
import type { TrainState } from './state.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';

/** What a training runs on. */
export interface Course {
  readonly network: Network;
  readonly plan: Plan;
  readonly trained: Trained;
  readonly images: ImageSet;
  readonly teacher: Network | undefined;
  readonly hook: TrainingHook | undefined;
}

/** One training's weights on the device. */
export interface Trainer {
  readonly random: Random;
  /** Trains on the images at these places; gives the sum of their losses, which is the caller's. */
  step(indices: Int32Array, learningRate: number): Tensor;
  /** Steps after which the hook's penalty is due again, counted from the beginning of an epoch; 1 without one. */
  readonly penaltySteps: number;
  /** Asks the hook for the penalty of the next steps. */
  refreshPenalty(stepsInAll: number): void;
  /** Lets the hook replace weights, at the end of an epoch. */
  project(): void;
  values(): Pick<TrainState, 'flat' | 'statistics' | 'average'>;
  dispose(): void;
}

/** @throws Failure `shape-mismatch` where the teacher does not fit; `unusable-dataset`. */
export function createTrainer(
  { primitives }: Backend,
  { network, plan, trained, images, teacher, hook }: Course,
  { recipe, flat, statistics, average: averageFrom, random: randomState }: TrainState,
): Trainer {
  const batches = batchesOf(network, images);
  const random = restoreRandom(randomState);
  const augment = augmenterOf(recipe.augmentation, random);
  const classes = sizeOf(plan.outputShape);
  const perClass = recipe.classWeights === 'balanced' ? balancedWeights(images.labels, classes) : undefined;
  const parameters = new Set(trained.parameters.map(({ key }) => key));
  const batchNormalised = new Set(trained.statistics.map(({ node }) => node));
  const teaching = teacher && teachingOf(teacher, network, plan);
  const undecayed = hook?.undecayed;
  const optimizer: Optimizer = createOptimizer(
    primitives,
    trained.parameters.map((one) => ({ ...one, decay: one.decay && undecayed?.has(one.key) !== true })),
    recipe,
    flat,
  );
  const weights: DeviceWeights = upload(plan);
  const replace = (key: string, tensor: Tensor): void => {
    weights.get(key)?.dispose();
    weights.set(key, tensor);
  };
  for (const [key, { data, shape }] of splitValues(trained.statistics, statistics)) replace(key, tf.tensor(data, [...shape]));
  // The optimizer holds the parameters, so the uploaded copies go.
  for (const key of parameters) weights.get(key)?.dispose();
  const takeParameters = (): void => {
    for (const [key, tensor] of optimizer.tensors) weights.set(key, tensor);
  };
  takeParameters();
  const weightValues = (): Map<string, Float32Array> => arraysOf(trained.parameters, optimizer.state().values);
  let penalty: { readonly norm: 'l1' | 'l2'; readonly coefficients: Tensor } | undefined;
  let average: Tensor | undefined = recipe.averaging === undefined ? undefined : tf.tensor1d(averageFrom.slice());

  const batchOf = (indices: Int32Array): Batch => {
    const batch: Batch = {
      x: batches.images(indices, augment),
      targets: batches.targets(indices, classes, recipe.labelSmoothing),
      weights: perClass && batches.weights(indices, perClass),
    };
    return recipe.mixup === undefined ? batch : mixed(batch, mixingShare(recipe.mixup, random));
  };
  const lossOf = ({ x, targets, weights }: Batch): Loss => {
    const loss = crossEntropy(primitives, { targets, weights });
    if (recipe.distillation === undefined) return loss;
    if (teaching === undefined) throw new Error('A recipe that distils needs a teacher.');
    return distilled(primitives, loss, forward(primitives, teaching.plan, teaching.weights, x), recipe.distillation);
  };
  /** An average over few steps at first, so that the start does not weigh on it. */
  const averaged = (old: Tensor, decay: number): Tensor => {
    const kept = Math.min(decay, (1 + optimizer.steps()) / (10 + optimizer.steps()));
    const now = tf.concat([optimizer.flat(), ...trained.statistics.map(({ key }) => tf.reshape(read(weights, key), [-1]))]);
    return tf.keep(tf.add(tf.mul(old, kept), tf.mul(now, 1 - kept)));
  };

  return {
    random,
    step: (indices, learningRate) =>
      tf.tidy(() => {
        const batch = batchOf(indices);
        const moved = new Map<string, Tensor>();
        const { lossSum, gradients } = gradientsOf(
          primitives,
          plan,
          weights,
          { x: batch.x, loss: lossOf(batch) },
          { dropout: random, batchNormalised, parameters, update: (key, tensor) => moved.set(key, tensor) },
        );
        for (const [key, tensor] of moved) replace(key, tensor);
        const given = penalty;
        optimizer.update(
          gradients,
          learningRate,
          given && ((values) => tf.mul(given.coefficients, given.norm === 'l1' ? tf.sign(values) : values)),
        );
        takeParameters();
        if (average !== undefined && recipe.averaging !== undefined) {
          const old = average;
          average = averaged(old, recipe.averaging);
          old.dispose();
        }
        return lossSum;
      }),
    penaltySteps: hook?.penalty?.everySteps ?? 1,
    refreshPenalty(steps) {
      if (hook?.penalty === undefined) return;
      const { norm, coefficients } = hook.penalty.at({ step: optimizer.steps(), steps }, weightValues);
      penalty?.coefficients.dispose();
      const all = gatherValues(trained.parameters, (key) => coefficients.get(key) ?? new Float32Array());
      penalty = { norm, coefficients: tf.tensor1d(all) };
    },
    project() {
      if (hook?.project === undefined) return;
      const now = weightValues();
      const projected = hook.project(now);
      optimizer.assign(gatherValues(trained.parameters, (key) => projected.get(key) ?? now.get(key) ?? new Float32Array()));
      takeParameters();
    },
    values: () => ({
      flat: optimizer.state(),
      statistics: gatherValues(trained.statistics, (key) => read(weights, key).dataSync<'float32'>()),
      average: average?.dataSync<'float32'>() ?? new Float32Array(),
    }),
    dispose() {
      for (const key of parameters) weights.delete(key);
      optimizer.dispose();
      average?.dispose();
      penalty?.coefficients.dispose();
      tf.dispose([...weights.values(), ...(teaching?.weights.values() ?? [])]);
    },
  };
}

/** The weights that a training stands for: their average where it keeps one. */
export function answerOf(trained: Trained, { flat, statistics, average }: ReturnType<Trainer['values']>): TrainState['best'] {
  if (average.length === 0) return { values: flat.values, statistics };
  const size = lengthOf(trained.parameters);
  return { values: average.slice(0, size), statistics: average.slice(size) };
}

function teachingOf(teacher: Network, network: Network, plan: Plan): { plan: Plan; weights: DeviceWeights } {
  const own = planOf(teacher, logitsNode(teacher).id, { fuse: 'inference' });
  const asked = ({ metadata }: Network, { inputShape, outputShape }: Plan): string =>
    JSON.stringify([inputShape, outputShape, metadata.preprocessing]);
  if (asked(teacher, own) !== asked(network, plan)) {
    throw new Failure('shape-mismatch', `${teacher.metadata.name} cannot teach ${network.metadata.name}.`, {
      hint: 'A teacher has the same input size, preprocessing and classes.',
      field: 'teacher',
    });
  }
  return { plan: own, weights: upload(own) };
}
