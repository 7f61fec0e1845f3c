import { Failure } from '../core/failure.ts';
import type { ImageSet } from '../core/images.ts';
import { classifierNode, logitsNode, sizeOf } from '../core/network/index.ts';
import type { Network } from '../core/network/types.ts';
import { createRandom, restoreRandom } from '../core/random.ts';
import type { Random } from '../core/random.ts';
import type { Backend } from './backend.ts';
import { read, upload } from './execute.ts';
import type { DeviceWeights } from './execute.ts';
import { gradientsOf } from './gradient.ts';
import { breathe, logits, stopIfAborted } from './infer.ts';
import { createOptimizer } from './optimizer.ts';
import type { Optimizer } from './optimizer.ts';
import { gatherValues, lengthOf, splitValues, trainedOf, withTrained } from './parameters.ts';
import type { Trained } from './parameters.ts';
import { augmenterOf, batchesOf } from './pixels.ts';
import { planOf } from './plan.ts';
import type { Plan } from './plan.ts';
import { learningRateAt } from './schedule.ts';
import { decodeState, encodeState } from './state.ts';
import type { TrainState } from './state.ts';
import { tf } from './tf.ts';
import type { Tensor } from './tf.ts';
import type { EpochRecord, Recipe, TrainOptions, TrainResult } from './types.ts';

const PROGRESS_MS = 250;

/** Fine-tunes a copy of the network; see Engine.train. */
export async function train(
  backend: Backend,
  network: Network,
  trainSet: ImageSet,
  validation: ImageSet,
  recipe: Recipe,
  options: TrainOptions = {},
): Promise<TrainResult> {
  // Under a frozen backbone nothing is differentiated, so that it may run as fast as it infers.
  const fuse = recipe.tune === 'head' ? 'inference' : 'training';
  const plan = planOf(network, logitsNode(network).id, { fuse, observed: new Set([classifierNode(network).id]) });
  const trained = trainedOf(network, plan, recipe.tune);
  let state = await startOf(network, trained, recipe, options);
  const clock = { images: 0, trainMs: 0, begun: performance.now() };
  const trainer = createTrainer(backend, network, plan, trained, state, trainSet);
  try {
    while (state.epoch < recipe.epochs) {
      const { epoch } = state;
      const phase = `train epoch ${epoch + 1}/${recipe.epochs}`;
      const firstEpoch = state.history.length - clock.images / trainSet.count;
      const begun = performance.now();
      const loss = await trainer.epoch(epoch, options.signal, (done, metrics) => {
        const share = (epoch - firstEpoch + done / trainSet.count) / (recipe.epochs - firstEpoch);
        options.onProgress?.({
          phase,
          done,
          total: trainSet.count,
          imagesPerSecond: ((clock.images + done) * 1000) / Math.max(1, clock.trainMs + performance.now() - begun),
          secondsLeft: ((performance.now() - clock.begun) / 1000) * (1 / share - 1),
          metrics,
        });
      });
      clock.trainMs += performance.now() - begun;
      clock.images += trainSet.count;
      const values = trainer.values();
      const candidate = withTrained(network, trained, { values: values.flat.values, statistics: values.statistics });
      const scores = await logits(backend, candidate, validation, { signal: options.signal });
      const record = { epoch: epoch + 1, learningRate: learningRateAt(recipe, epoch), loss, ...score(scores, validation) };
      const better = isBetter(record, state.history[state.bestEpoch - 1]);
      state = {
        recipe,
        epoch: epoch + 1,
        random: trainer.random.state(),
        history: [...state.history, record],
        bestEpoch: better ? epoch + 1 : state.bestEpoch,
        ...values,
        best: better ? { values: values.flat.values, statistics: values.statistics } : state.best,
      };
      await options.checkpoints?.save(encodeState(state));
    }
  } finally {
    trainer.dispose();
  }
  return {
    network: withTrained(network, trained, state.best),
    bestEpoch: state.bestEpoch,
    history: state.history,
    imagesPerSecond: clock.images === 0 ? 0 : (clock.images * 1000) / clock.trainMs,
  };
}

/** The checkpoint where there is one, else the network as given. */
async function startOf(network: Network, trained: Trained, recipe: Recipe, options: TrainOptions): Promise<TrainState> {
  const size = lengthOf(trained.parameters);
  const lengths = [size, size, size, lengthOf(trained.statistics), size, lengthOf(trained.statistics)];
  const bytes = await options.checkpoints?.load();
  if (bytes !== undefined) return decodeState(bytes, { recipe, lengths });
  const valuesOf = (key: string): Float32Array => read(network.weights, key).data;
  const values = gatherValues(trained.parameters, valuesOf);
  const statistics = gatherValues(trained.statistics, valuesOf);
  return {
    recipe,
    epoch: 0,
    random: createRandom(recipe.seed).state(),
    history: [],
    bestEpoch: 0,
    flat: { step: 0, values, firstMoment: new Float32Array(size), secondMoment: new Float32Array(size) },
    statistics,
    best: { values, statistics },
  };
}

interface Trainer {
  readonly random: Random;
  /** Runs one epoch and gives its mean loss. */
  epoch(epoch: number, signal: AbortSignal | undefined, report: (done: number, metrics: Record<string, number>) => void): Promise<number>;
  values(): Pick<TrainState, 'flat' | 'statistics'>;
  dispose(): void;
}

function createTrainer(
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

/** Mean cross-entropy and accuracy of logits, in double precision. */
function score(logits: Float32Array, { count, labels }: ImageSet): { validationLoss: number; validationAccuracy: number } {
  const classes = logits.length / count;
  let loss = 0;
  let correct = 0;
  for (let i = 0; i < count; i++) {
    const row = logits.subarray(i * classes, (i + 1) * classes);
    const largest = row.reduce((a, b) => Math.max(a, b));
    const normaliser = largest + Math.log(row.reduce((sum, value) => sum + Math.exp(value - largest), 0));
    loss += normaliser - row[labels[i]];
    if (row.indexOf(largest) === labels[i]) correct++;
  }
  return { validationLoss: loss / count, validationAccuracy: correct / count };
}

function isBetter(record: EpochRecord, best: EpochRecord | undefined): boolean {
  if (best === undefined) return true;
  if (record.validationAccuracy !== best.validationAccuracy) return record.validationAccuracy > best.validationAccuracy;
  return record.validationLoss < best.validationLoss;
}
