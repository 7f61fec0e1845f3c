import { Failure } from '../core/failure.ts';
import type { FlatState } from './optimizer.ts';
import type { EpochRecord, Recipe } from './types.ts';

/** Everything that a training needs to go on after a step as if it had never stopped. */
export interface TrainState {
  /** As it was given. */
  readonly recipe: Recipe;
  /** The recipe's, or the one that was found. */
  readonly learningRate: number;
  /** Epochs done. */
  readonly epoch: number;
  /** Images of the running epoch that are done. */
  readonly done: number;
  /** Sum of their losses. */
  readonly lossSum: number;
  /** Of the one generator that shuffles, augments and drops out: when the running epoch began, and now. */
  readonly epochRandom: number;
  readonly random: number;
  readonly history: readonly EpochRecord[];
  /** 0 before the first epoch. */
  readonly bestEpoch: number;
  readonly flat: FlatState;
  /** All moving statistics, one after the other. */
  readonly statistics: Float32Array;
  /** Moving average of the parameters and statistics; empty where the recipe does not average. */
  readonly average: Float32Array;
  readonly best: { readonly values: Float32Array; readonly statistics: Float32Array };
}

/** What a checkpoint of one training must agree with. */
export interface Expected {
  readonly recipe: Recipe;
  /** Lengths of parameters and of statistics. */
  readonly parameters: number;
  readonly statistics: number;
  /** How many moments the optimizer keeps. */
  readonly moments: number;
}

const MAGIC = 0x324b4345;
const HEADER_BYTES = 8;

export function emptyAverage({ recipe, parameters, statistics }: Expected): Float32Array {
  return new Float32Array(recipe.averaging === undefined ? 0 : parameters + statistics);
}

/** One file: a magic number and the length of the JSON part, that part padded to 4 bytes, then the float32 arrays. */
export function encodeState(state: TrainState): Uint8Array {
  const { flat, statistics, average, best, ...rest } = state;
  const arrays = [flat.values, statistics, best.values, best.statistics, average, ...flat.moments];
  const about = { ...rest, step: flat.step, lengths: arrays.map((array) => array.length) };
  const text = new TextEncoder().encode(JSON.stringify(about));
  const begin = HEADER_BYTES + Math.ceil(text.length / 4) * 4;
  const bytes = new Uint8Array(begin + 4 * arrays.reduce((sum, array) => sum + array.length, 0));
  new Uint32Array(bytes.buffer, 0, 2).set([MAGIC, text.length]);
  bytes.set(text, HEADER_BYTES);
  let at = begin;
  for (const array of arrays) {
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), at);
    at += array.byteLength;
  }
  return bytes;
}

/** @throws Failure `conflict` when it is the checkpoint of another training. */
export function decodeState(bytes: Uint8Array, expected: Expected): TrainState {
  const aligned = bytes.slice();
  const [magic, length] = aligned.length < HEADER_BYTES ? [0, 0] : new Uint32Array(aligned.buffer, 0, 2);
  if (magic !== MAGIC) throw notOurs('is not a training checkpoint of this version');
  const about = JSON.parse(new TextDecoder().decode(aligned.subarray(HEADER_BYTES, HEADER_BYTES + length)));
  if (JSON.stringify(about.recipe) !== JSON.stringify(expected.recipe)) throw notOurs('was made with another recipe');
  const { parameters: size, statistics: statisticsSize, moments: count } = expected;
  const lengths = [size, statisticsSize, size, statisticsSize, emptyAverage(expected).length, ...Array<number>(count).fill(size)];
  if (String(about.lengths) !== String(lengths)) throw notOurs('was made with another network');
  let at = HEADER_BYTES + Math.ceil(length / 4) * 4;
  const [values, statistics, bestValues, bestStatistics, average, ...moments] = lengths.map((size) => {
    const array = new Float32Array(aligned.buffer, at, size);
    at += array.byteLength;
    return array;
  });
  const { learningRate, epoch, done, lossSum, epochRandom, random, history, bestEpoch, step } = about;
  return {
    recipe: expected.recipe,
    learningRate,
    epoch,
    done,
    lossSum,
    epochRandom,
    random,
    history,
    bestEpoch,
    flat: { step, values, moments },
    statistics,
    average,
    best: { values: bestValues, statistics: bestStatistics },
  };
}

function notOurs(what: string): Failure {
  return new Failure('conflict', `The checkpoint ${what}.`, { hint: 'Remove it to train from the start.', field: 'checkpoint' });
}
