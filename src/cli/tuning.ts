import type { Command } from 'commander';
import { fraction, wholeNumber } from './command.ts';

/** What the flags say about fine-tuning. */
export interface TuningOptions {
  readonly recipe?: string;
  readonly epochs?: number;
  readonly learningRate?: number | 'auto';
  readonly tune?: string | { lastBlocks: number };
  readonly patience?: number;
  readonly classWeights?: string;
  readonly distill?: boolean;
}

/** Adds the flags of fine-tuning to a command that trains. */
export function addTuningOptions(command: Command): Command {
  return command
    .option('--no-recalibrate', 'leave the BatchNormalization statistics as they are')
    .option('--recipe <name>', 'default or thesis')
    .option('--epochs <n>', 'epochs of fine-tuning (0: none)', wholeNumber('--epochs'))
    .option('--learning-rate <x>', 'of fine-tuning, or auto: found by a range test', learningRate)
    .option('--tune <what>', 'all, head, bn, or last-N for the last N blocks', tuned)
    .option('--patience <n>', 'epochs without a better one on validation after which training ends', wholeNumber('--patience'))
    .option('--class-weights <how>', 'none, or balanced: rare classes weigh more')
    .option('--distill', 'teach the pruned model the answers of the unpruned one too')
    .option('--deterministic', 'train on one thread: the same request gives the same weights to the last bit');
}

/** A request's `fineTune`, and the other options. */
export function splitTuning<T extends TuningOptions>(options: T): readonly [fineTune: TuningOptions, rest: Omit<T, keyof TuningOptions>] {
  const { recipe, epochs, learningRate, tune, patience, classWeights, distill, ...rest } = options;
  return [{ recipe, epochs, learningRate, tune, patience, classWeights, distill }, rest];
}

const learningRate = (text: string): number | 'auto' => (text === 'auto' ? text : fraction('--learning-rate')(text));

function tuned(text: string): string | { lastBlocks: number } {
  const blocks = /^last-(\d+)$/.exec(text);
  return blocks ? { lastBlocks: Number(blocks[1]) } : text;
}
