import { Failure } from '../core/failure.ts';
import type { ImageSet } from '../core/images.ts';
import { classifierNode, logitsNode, sizeOf } from '../core/network/index.ts';
import type { Network } from '../core/network/types.ts';
import { createRandom } from '../core/random.ts';
import type { Backend } from './backend.ts';
import { isAsGood, peakOf } from './epoch-choice.ts';
import { runEpoch } from './epoch.ts';
import { read } from './execute.ts';
import { findLearningRate } from './find-rate.ts';
import { logits } from './infer.ts';
import { momentsOf } from './optimizer.ts';
import { arraysOf, gatherValues, lengthOf, trainedOf, withTrained } from './parameters.ts';
import { checkLabels } from './pixels.ts';
import { planOf } from './plan.ts';
import { learningRateAt } from './schedule.ts';
import { decodeState, emptyAverage, encodeState } from './state.ts';
import type { Expected, TrainState } from './state.ts';
import { createTrainClock } from './train-clock.ts';
import { answerOf, createTrainer } from './trainer.ts';
import type { Course } from './trainer.ts';
import type { EpochRecord, Recipe, TrainOptions, TrainResult } from './types.ts';

const CHECKPOINT_SECONDS = 60;

/** Fine-tunes a copy of the network; see Engine.train. */
export async function train(
  backend: Backend,
  network: Network,
  trainSet: ImageSet,
  validation: ImageSet,
  recipe: Recipe,
  options: TrainOptions = {},
): Promise<TrainResult> {
  const { checkpoints, signal, onProgress, teacher, hook } = options;
  const { checkpointSeconds = CHECKPOINT_SECONDS, pauseAfter = recipe.epochs } = options;
  // Under a frozen backbone nothing is differentiated, so that it may run as fast as it infers.
  const fuse = recipe.tune === 'head' ? 'inference' : 'training';
  const plan = planOf(network, logitsNode(network).id, { fuse, observed: new Set([classifierNode(network).id]) });
  const trained = trainedOf(network, plan, recipe.tune);
  for (const [field, images] of Object.entries({ train: trainSet, validation })) checkLabels(images, sizeOf(plan.outputShape), field);
  const course: Course = { network, plan, trained, images: trainSet, teacher, hook };
  let state = await startOf(backend, course, recipe, options);
  const rated = { ...recipe, learningRate: state.learningRate };
  const clock = createTrainClock(recipe, { train: trainSet.count, validation: validation.count }, state, onProgress);
  const trainer = createTrainer(backend, course, state);
  const save = async (next: TrainState): Promise<void> => checkpoints?.save(encodeState(next));
  try {
    while (state.epoch < Math.min(recipe.epochs, pauseAfter) && !isOver(state) && !isEnded(state, course)) {
      const { epoch } = state;
      const before = state;
      const loss = await runEpoch({
        trainer,
        recipe: rated,
        count: trainSet.count,
        from: state,
        signal,
        report: (done, metrics) => clock.trained(epoch, done, metrics),
        checkpoint: checkpoints && {
          everyMs: 1000 * checkpointSeconds,
          save: (position) => save({ ...before, ...position, random: trainer.random.state(), ...trainer.values() }),
        },
      });
      trainer.project();
      const values = trainer.values();
      const answer = answerOf(trained, values);
      const scores = await logits(backend, withTrained(network, trained, answer), validation, {
        signal,
        onProgress: ({ done }) => clock.validated(epoch, done),
      });
      const record = { epoch: epoch + 1, learningRate: learningRateAt(rated, epoch), loss, ...score(scores, validation) };
      if (!Number.isFinite(record.validationLoss)) throw undefinedAnswers(record);
      const history = [...state.history, record];
      const chosen = recipe.result === 'last' || isAsGood(history, validation.count);
      const random = trainer.random.state();
      state = {
        ...state,
        ...values,
        epoch: epoch + 1,
        done: 0,
        lossSum: 0,
        epochRandom: random,
        random,
        history,
        bestEpoch: chosen ? epoch + 1 : state.bestEpoch,
        best: chosen ? answer : state.best,
      };
      await save(state);
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
async function startOf(backend: Backend, course: Course, recipe: Recipe, options: TrainOptions): Promise<TrainState> {
  const { network, trained, images } = course;
  const expected: Expected = {
    recipe,
    parameters: lengthOf(trained.parameters),
    statistics: lengthOf(trained.statistics),
    moments: momentsOf(recipe),
  };
  const bytes = await options.checkpoints?.load();
  if (bytes !== undefined) return decodeState(bytes, expected);
  const valuesOf = (key: string): Float32Array => read(network.weights, key).data;
  const values = gatherValues(trained.parameters, valuesOf);
  const statistics = gatherValues(trained.statistics, valuesOf);
  const average = emptyAverage(expected);
  if (average.length > 0) {
    average.set(values);
    average.set(statistics, values.length);
  }
  const random = createRandom(recipe.seed).state();
  const start: TrainState = {
    recipe,
    learningRate: recipe.learningRate === 'auto' ? 0 : recipe.learningRate,
    epoch: 0,
    done: 0,
    lossSum: 0,
    epochRandom: random,
    random,
    history: [],
    bestEpoch: 0,
    flat: { step: 0, values, moments: Array.from({ length: expected.moments }, () => new Float32Array(values.length)) },
    statistics,
    average,
    best: { values, statistics },
  };
  if (recipe.learningRate !== 'auto') return start;
  const trainer = createTrainer(backend, course, start);
  try {
    return { ...start, learningRate: await findLearningRate(trainer, recipe, images.count, options) };
  } finally {
    trainer.dispose();
  }
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

function isOver({ recipe: { patience }, epoch, history }: TrainState): boolean {
  return patience !== undefined && epoch > 0 && epoch - peakOf(history) >= patience;
}

/** Whether the hook ends the training after the last whole epoch. */
function isEnded({ epoch, done, flat }: TrainState, { hook, trained }: Course): boolean {
  return hook?.ended !== undefined && epoch > 0 && done === 0 && hook.ended(arraysOf(trained.parameters, flat.values));
}

function undefinedAnswers({ epoch, learningRate, loss }: EpochRecord): Failure {
  return new Failure(
    'non-finite-weights',
    `The validation loss is not finite after epoch ${epoch} at learning rate ${learningRate.toPrecision(3)}; its training loss was ${loss.toPrecision(4)}.`,
    { hint: 'Lower the learning rate, begin with warm-up epochs, or clip the gradients.', field: 'recipe.learningRate' },
  );
}
