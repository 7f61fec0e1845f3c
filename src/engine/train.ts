import type { ImageSet } from '../core/images.ts';
import { classifierNode, logitsNode, sizeOf } from '../core/network/index.ts';
import type { Network } from '../core/network/types.ts';
import { createRandom } from '../core/random.ts';
import type { Backend } from './backend.ts';
import { read } from './execute.ts';
import { logits } from './infer.ts';
import { gatherValues, lengthOf, trainedOf, withTrained } from './parameters.ts';
import type { Trained } from './parameters.ts';
import { checkLabels } from './pixels.ts';
import { planOf } from './plan.ts';
import { learningRateAt } from './schedule.ts';
import { decodeState, encodeState } from './state.ts';
import type { TrainState } from './state.ts';
import { createTrainClock } from './train-clock.ts';
import { createTrainer } from './trainer.ts';
import type { EpochRecord, Recipe, TrainOptions, TrainResult } from './types.ts';

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
  for (const [field, images] of Object.entries({ train: trainSet, validation })) checkLabels(images, sizeOf(plan.outputShape), field);
  let state = await startOf(network, trained, recipe, options);
  const clock = createTrainClock(recipe, { train: trainSet.count, validation: validation.count }, state.epoch, options.onProgress);
  const trainer = createTrainer(backend, network, plan, trained, state, trainSet);
  try {
    while (state.epoch < recipe.epochs) {
      const { epoch } = state;
      const loss = await trainer.epoch(epoch, options.signal, (done, metrics) => clock.trained(epoch, done, metrics));
      const values = trainer.values();
      const candidate = withTrained(network, trained, { values: values.flat.values, statistics: values.statistics });
      const scores = await logits(backend, candidate, validation, {
        signal: options.signal,
        onProgress: ({ done }) => clock.validated(epoch, done),
      });
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
    imagesPerSecond: clock.imagesPerSecond(),
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
