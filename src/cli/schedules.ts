import type { Command } from 'commander';
import { fraction, wholeNumber } from './command.ts';

/** What the flags of `espalier prune` say about the schedule. */
export interface ScheduleOptions {
  readonly steps?: number;
  readonly epochsPerStep?: number;
  readonly rewindEpochs?: number;
  readonly sparseEpochs?: number;
  readonly strength?: number;
}

/** Adds the flags of schedules to a command that prunes. */
export function addScheduleOptions(command: Command): Command {
  return command
    .option('--steps <n>', 'let the channels leave in steps, with training between', wholeNumber('--steps'))
    .option('--epochs-per-step <n>', 'epochs of that training (default: 3)', wholeNumber('--epochs-per-step'))
    .option(
      '--rewind-epochs <n>',
      'after each step go back to the weights after so many epochs (lottery: 1)',
      wholeNumber('--rewind-epochs'),
    )
    .option(
      '--sparse-epochs <n>',
      "epochs of the criterion's sparse training before the cut, e.g. of group-norm",
      wholeNumber('--sparse-epochs'),
    )
    .option('--strength <x>', 'λ of the sparse training’s penalty', fraction('--strength'));
}

/**
 * The schedule as the flags give it (flags of two kinds too: the service says what is wrong with them; undefined where none
 * is given), and the other options.
 */
export function splitSchedule<T extends ScheduleOptions>(
  options: T,
): readonly [schedule: Record<string, unknown> | undefined, rest: Omit<T, keyof ScheduleOptions>] {
  const { steps, epochsPerStep, rewindEpochs, sparseEpochs, strength, ...rest } = options;
  const given = (fields: Record<string, number | undefined>): Record<string, number | undefined> =>
    Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined));
  const iterative = given({ steps, epochsPerStep, rewindEpochs });
  const sparse = given({ epochs: sparseEpochs, strength });
  if (Object.keys(iterative).length > 0) return [{ kind: 'iterative', ...iterative, ...sparse }, rest];
  return [Object.keys(sparse).length > 0 ? { kind: 'sparse', ...sparse } : undefined, rest];
}
