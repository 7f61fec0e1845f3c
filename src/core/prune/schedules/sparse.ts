import type { Network } from '../../network/index.ts';
import type { TrainingHook } from '../../training-hook.ts';
import type { Removal } from '../cut.ts';
import type { DependencyGroup } from '../groups.ts';

/** Training that brings the channels that will leave towards zero before they do. */
export interface SparseTraining {
  /** True where the criterion is nothing without it; else it is done when asked for. */
  readonly required: boolean;
  /** Whether channels are chosen after every epoch, so that the target has to be known before. */
  readonly everyEpoch: boolean;
  /** λ when none is given; absent where there is none to give. */
  readonly strength?: number;
  /** One training each, one after the other. */
  readonly phases: readonly SparsePhase[];
}

export interface SparsePhase {
  readonly name: string;
  /** Share of the epochs. */
  readonly share: number;
  /** Whether the channels that leave are chosen before this phase, which then works on them; else after all phases. */
  readonly chosen: boolean;
  hook(network: Network, setting: PhaseSetting): TrainingHook;
}

export interface PhaseSetting {
  /** Groups whose channels may leave. */
  readonly groups: readonly DependencyGroup[];
  /** The channels that leave, where they are chosen. */
  readonly removals: readonly Removal[];
  readonly strength: number;
  /** The channels that the criterion would choose of the network as it is. */
  choose(network: Network): readonly Removal[];
}
