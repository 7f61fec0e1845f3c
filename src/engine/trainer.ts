import { Failure } from '../core/failure.ts';
import type { ImageSet } from '../core/images.ts';
import { sizeOf } from '../core/network/index.ts';
import type { Network } from '../core/network/types.ts';
import { restoreRandom } from '../core/random.ts';
import type { Random } from '../core/random.ts';
import type { Backend } from './backend.ts';
import { read, upload } from './execute.ts';
import type { DeviceWeights } from './execute.ts';
import { gradientsOf } from './gradient.ts';
import { breathe, stopIfAborted } from './infer.ts';
import { createOptimizer } from './optimizer.ts';
import type { Optimizer } from './optimizer.ts';
import { gatherValues, splitValues } from './parameters.ts';
import type { Trained } from './parameters.ts';
import { augmenterOf, batchesOf } from './pixels.ts';
import type { Plan } from './plan.ts';
import { learningRateAt } from './schedule.ts';
import type { TrainState } from './state.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';

const PROGRESS_MS = 250;

/** One training's weights on the device, and what runs an epoch of it. */
export interface Trainer {
  readonly random: Random;
  /** Runs one epoch and gives its mean loss. */
  epoch(epoch: number, signal: AbortSignal | undefined, report: (done: number, metrics: Record<string, number>) => void): Promise<number>;
  values(): Pick<TrainState, 'flat' | 'statistics'>;
  dispose(): void;
}

export function createTrainer(
  { primitives }: Backend,
  network: Network,
  plan: Plan,
  trained: Trained,
  { recipe, flat, statistics, random: randomState }: TrainState,
  images: ImageSet,
): Trainer {
  const batches = batchesOf(network, images);
  const random = restoreRandom(randomState);
  const augment = augmenterOf(recipe.augmentation, random);
  const classes = sizeOf(plan.outputShape);
  const parameters = new Set(trained.parameters.map(({ key }) => key));
  const optimizer: Optimizer = createOptimizer(trained.parameters, recipe.weightDecay, flat);
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
  const training = { statistics: recipe.tune === 'head' ? 'moving' : 'batch', dropout: random } as const;

  const step = (indices: Int32Array, learningRate: number): Tensor =>
    tf.tidy(() => {
      const x = batches.images(indices, augment);
      const moved = new Map<string, Tensor>();
      const { lossSum, gradients } = gradientsOf(
        primitives,
        plan,
        weights,
        { x, oneHot: batches.labels(indices, classes) },
        { training, parameters, update: (key, tensor) => moved.set(key, tensor) },
      );
      for (const [key, tensor] of moved) replace(key, tensor);
      optimizer.update(gradients, learningRate);
      takeParameters();
      return lossSum;
    });

  return {
    random,
    async epoch(epoch, signal, report) {
      const order = random.shuffle(Int32Array.from({ length: images.count }, (_, i) => i));
      let pending: Tensor[] = [];
      let total = 0;
      let done = 0;
      let rate = 0;
      let reported = performance.now();
      // Losses wait on the device, so that reading them does not hold every step up.
      const settle = (): void => {
        const recent = pending.reduce((sum, tensor) => sum + tensor.dataSync()[0], 0);
        tf.dispose(pending);
        pending = [];
        total += recent;
        if (!Number.isFinite(total)) throw diverged(epoch, done, rate);
      };
      try {
        for (let first = 0; first < images.count; first += recipe.batchSize) {
          stopIfAborted(signal);
          const indices = order.subarray(first, first + recipe.batchSize);
          rate = learningRateAt(recipe, epoch + first / images.count);
          pending.push(step(indices, rate));
          done += indices.length;
          const now = performance.now();
          if (now - reported >= PROGRESS_MS || done === images.count) {
            settle();
            report(done, { loss: total / done, learningRate: rate });
            reported = now;
          }
          await breathe();
        }
      } finally {
        tf.dispose(pending);
      }
      return total / images.count;
    },
    values: () => ({
      flat: optimizer.state(),
      statistics: gatherValues(trained.statistics, (key) => read(weights, key).dataSync<'float32'>()),
    }),
    dispose() {
      for (const key of parameters) weights.delete(key);
      optimizer.dispose();
      tf.dispose([...weights.values()]);
    },
  };
}

function diverged(epoch: number, done: number, rate: number): Failure {
  return new Failure('non-finite-weights', `The loss became infinite in epoch ${epoch + 1} by image ${done} at learning rate ${rate}.`, {
    hint: 'Lower the learning rate, or begin with warm-up epochs.',
    field: 'recipe.learningRate',
  });
}
