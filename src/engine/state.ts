import { Failure } from '../core/failure.ts';
import type { FlatState } from './optimizer.ts';
import type { EpochRecord, Recipe } from './types.ts';

/** Everything that a training needs to go on after an epoch as if it had never stopped. */
export interface TrainState {
  readonly recipe: Recipe;
  /** Epochs done. */
  readonly epoch: number;
  /** Of the one generator that shuffles, augments and drops out. */
  readonly random: number;
  readonly history: readonly EpochRecord[];
  readonly bestEpoch: number;
  readonly flat: FlatState;
  /** All moving statistics, one after the other. */
  readonly statistics: Float32Array;
  readonly best: { readonly values: Float32Array; readonly statistics: Float32Array };
}

const MAGIC = 0x4b434245;
const HEADER_BYTES = 8;

/** One file: a magic number and the length of the JSON part, that part padded to 4 bytes, then the float32 arrays. */
export function encodeState(state: TrainState): Uint8Array {
  const arrays = arraysOf(state);
  const { recipe, epoch, random, history, bestEpoch, flat } = state;
  const about = { recipe, epoch, random, history, bestEpoch, step: flat.step, lengths: arrays.map((array) => array.length) };
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

/**
 * @param expected the recipe and array lengths that a checkpoint of this training has.
 * @throws Failure `conflict` when it is one of another training.
 */
export function decodeState(bytes: Uint8Array, expected: { readonly recipe: Recipe; readonly lengths: readonly number[] }): TrainState {
  const aligned = bytes.slice();
  const [magic, length] = new Uint32Array(aligned.buffer, 0, 2);
  if (magic !== MAGIC) throw notOurs('is not a training checkpoint');
  const about = JSON.parse(new TextDecoder().decode(aligned.subarray(HEADER_BYTES, HEADER_BYTES + length)));
  if (JSON.stringify(about.recipe) !== JSON.stringify(expected.recipe)) throw notOurs('was made with another recipe');
  if (String(about.lengths) !== String(expected.lengths)) throw notOurs('was made with another network');
  let at = HEADER_BYTES + Math.ceil(length / 4) * 4;
  const [values, firstMoment, secondMoment, statistics, bestValues, bestStatistics] = expected.lengths.map((size) => {
    const array = new Float32Array(aligned.buffer, at, size);
    at += array.byteLength;
    return array;
  });
  const { epoch, random, history, bestEpoch, step } = about;
  return {
    recipe: expected.recipe,
    epoch,
    random,
    history,
    bestEpoch,
    flat: { step, values, firstMoment, secondMoment },
    statistics,
    best: { values: bestValues, statistics: bestStatistics },
  };
}

function arraysOf({ flat, statistics, best }: TrainState): readonly Float32Array[] {
  return [flat.values, flat.firstMoment, flat.secondMoment, statistics, best.values, best.statistics];
}

function notOurs(what: string): Failure {
  return new Failure('conflict', `The checkpoint ${what}.`, { hint: 'Remove it to train from the start.', field: 'checkpoint' });
}
