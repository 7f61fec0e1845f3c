import type { KernelMatrix, SampledActivations } from '../dice/index.ts';
import { Failure } from '../failure.ts';
import { inferShapes, kernelMatrix, nodeOf, weightsOf, type Network, type Shape } from '../network/index.ts';
import type { Random } from '../random.ts';
import type { DependencyGroup, Member } from './groups.ts';

/** Rows of one producer, one for each channel of the group. */
export interface GroupRows extends KernelMatrix {
  /** False where values are never negative (activations after a ReLU), so that Dice skips its rescaling. */
  readonly rescale: boolean;
}

/** What a criterion sees of a dependency group. */
export interface GroupView {
  /** Channels of the group; scores have this length. */
  readonly size: number;
  /**
   * Kernels of each producer. More than one matrix where several of its kernels leave at once (the convolution groups
   * of a grouped convolution): row c of every matrix belongs to channel c of the group.
   */
  readonly kernels: readonly (readonly GroupRows[])[];
  /** Activations of each producer in the same form, where they were sampled. */
  readonly activations?: readonly (readonly GroupRows[])[];
  readonly random: Random;
}

/** Sampled activations by convolution id, as the engine returns them. */
export type Activations = ReadonlyMap<string, SampledActivations>;

/**
 * Makes the views of a network's groups.
 *
 * @throws Failure `invalid-request` (field `source`) when activations are given but not those of a producer
 */
export function createViews(network: Network, random: Random, activations?: Activations): (group: DependencyGroup) => GroupView {
  const shapes = inferShapes(network);
  return ({ size, producers }) => ({
    size,
    kernels: producers.map((member) => slots(member, kernelsOf(network, member.node, shapes))),
    activations: activations && producers.map((member) => slots(member, sampleOf(activations, member.node))),
    random,
  });
}

function kernelsOf(network: Network, id: string, shapes: ReadonlyMap<string, Shape>): GroupRows {
  const node = nodeOf(network, id);
  return { ...kernelMatrix(node, weightsOf(network, node, shapes)), rescale: true };
}

function sampleOf(activations: Activations, id: string): GroupRows {
  const sample = activations.get(id);
  if (sample === undefined) {
    throw new Failure('invalid-request', `The activations of layer "${id}" were not sampled.`, {
      hint: 'Only convolutions are sampled: use layers "conv", or source "weights".',
      field: 'source',
    });
  }
  return { count: sample.channels, size: sample.samples, values: sample.values, rescale: !sample.nonNegative };
}

/** One matrix for each of the kernels that a channel of the group has in this producer. */
function slots({ channels }: Member, rows: GroupRows): GroupRows[] {
  return channels[0].map((_, slot) => {
    if (channels.length === rows.count && channels.every((own, c) => own[slot] === c)) return rows;
    const values = new Float32Array(channels.length * rows.size);
    for (const [c, own] of channels.entries()) {
      values.set(rows.values.subarray(own[slot] * rows.size, (own[slot] + 1) * rows.size), c * rows.size);
    }
    return { count: channels.length, size: rows.size, values, rescale: rows.rescale };
  });
}
