import { Failure } from '../../failure.ts';
import { sparseTrainings } from './sparse-trainings.ts';

/** How the channels of a plan leave, with every number filled in. */
export type Schedule =
  | { readonly kind: 'one-shot' }
  /** Channels leave in steps, with training between; weights go back to early ones after each where `rewindEpochs` says so. */
  | { readonly kind: 'iterative'; readonly steps: number; readonly epochsPerStep: number; readonly rewindEpochs: number | null }
  /** The criterion's sparse training, then one cut. `strength` is null where the criterion has none. */
  | { readonly kind: 'sparse'; readonly epochs: number; readonly strength: number | null };

/** The same as it is asked for. */
export type AskedSchedule =
  | { readonly kind: 'one-shot' }
  | { readonly kind: 'iterative'; readonly steps?: number; readonly epochsPerStep?: number; readonly rewindEpochs?: number }
  | { readonly kind: 'sparse'; readonly epochs?: number; readonly strength?: number };

const STEPS = 3;
const EPOCHS_PER_STEP = 3;
const SPARSE_EPOCHS = 10;
/** Weights of the very beginning train worse than those of shortly after it (Frankle et al. 2020). */
const REWIND_EPOCHS = 1;
/** The criterion that is nothing without rewinding. */
const REWINDING = 'lottery';

interface Request {
  readonly criterion: string;
  readonly schedule?: AskedSchedule;
  readonly target: object;
  /** A plan to replay. */
  readonly plan?: unknown;
}

/**
 * The schedule that a request means: the criterion's own where none is asked for.
 *
 * @throws Failure `invalid-request` (field `schedule`, or `target`) for what makes no sense together
 */
export function scheduleOf(request: Request): Schedule {
  const { criterion, plan, schedule = ownSchedule(request) } = request;
  if (plan !== undefined) {
    if (schedule.kind === 'one-shot') return schedule;
    throw refused('schedule', 'A plan is replayed at once.', 'Leave "schedule" away, or give a target and no plan.');
  }
  const training = Object.hasOwn(sparseTrainings, criterion) ? sparseTrainings[criterion] : undefined;
  const instead = criterion === 'sfp' ? 'l2' : 'l1';
  if (training?.required === true && schedule.kind !== 'sparse') {
    throw refused(
      'schedule.kind',
      `${criterion} chooses channels by training; it has no ${schedule.kind} schedule.`,
      `Leave "schedule" away, or take criterion ${instead}.`,
    );
  }
  if (criterion === REWINDING && schedule.kind !== 'iterative') {
    throw refused(
      'schedule.kind',
      `lottery rewinds weights after each step; it has no ${schedule.kind} schedule.`,
      'Leave "schedule" away, or take criterion l1.',
    );
  }
  switch (schedule.kind) {
    case 'one-shot':
      return schedule;
    case 'iterative': {
      requireKnown(request, 'Steps lead to a target that is known before: ratio, flops, params or bytes.');
      const { steps = STEPS, epochsPerStep = EPOCHS_PER_STEP, rewindEpochs = criterion === REWINDING ? REWIND_EPOCHS : null } = schedule;
      return { kind: 'iterative', steps, epochsPerStep, rewindEpochs };
    }
    case 'sparse': {
      if (training === undefined) {
        const those = Object.keys(sparseTrainings).join(', ');
        throw refused(
          'schedule.kind',
          `Criterion ${criterion} has no sparse training.`,
          `These have: ${those}. Or train between the steps of an iterative schedule.`,
        );
      }
      if (training.everyEpoch) requireKnown(request, `${criterion} chooses after every epoch: give ratio, flops, params or bytes.`);
      const { epochs = SPARSE_EPOCHS, strength = training.strength ?? null } = schedule;
      if (strength !== null && training.strength === undefined) {
        throw refused('schedule.strength', `The sparse training of ${criterion} has no strength to set.`, 'Leave "strength" away.');
      }
      return { kind: 'sparse', epochs, strength };
    }
  }
}

function ownSchedule({ criterion, plan }: Request): AskedSchedule {
  if (plan !== undefined) return { kind: 'one-shot' };
  if (criterion === REWINDING) return { kind: 'iterative' };
  return Object.hasOwn(sparseTrainings, criterion) && sparseTrainings[criterion].required ? { kind: 'sparse' } : { kind: 'one-shot' };
}

/** Targets that only measuring can meet are searched for on a network that is not trained meanwhile. */
function requireKnown({ target }: Request, hint: string): void {
  if (['ratio', 'flops', 'params', 'bytes'].some((known) => known in target)) return;
  throw refused(
    'target',
    `A target of ${Object.keys(target).join(', ')} is found by measuring, which this schedule cannot wait for.`,
    hint,
  );
}

const refused = (field: string, message: string, hint: string): Failure => new Failure('invalid-request', message, { field, hint });
