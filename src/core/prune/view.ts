import { compareKernels, type Compare, type KernelMatrix } from '../dice/index.ts';
import { Failure } from '../failure.ts';
import { gramOfRows, type Rows } from '../linear/gram.ts';
import { inferShapes, kernelMatrix, nodeOf, weightsOf, type Network, type Shape } from '../network/index.ts';
import { createRandom, type Random } from '../random.ts';
import type { ByWeight, Evidence, FeatureMapStatistics, Source } from './evidence.ts';
import type { DependencyGroup, Member } from './groups.ts';
import { magnitudesOf, type Magnitudes, type Power } from './magnitudes.ts';
import { portionsOf, type Portion } from './portion.ts';
import { rowsSimilarity, storedSimilarity, type StoredSimilarities } from './similarity.ts';

/** Rows of one producer, one for each channel of the group. */
export interface GroupRows extends KernelMatrix {
  /** False where values are never negative (activations after a ReLU), so that Dice skips its rescaling. */
  readonly rescale: boolean;
}

/** What a criterion sees of a dependency group. Everything is made when it is asked for. */
export interface GroupView {
  /** Channels of the group; scores have this length. */
  readonly size: number;
  readonly random: Random;
  /** Kernels of the producers, along their output channels. */
  kernels(): readonly Portion[];
  /** Sum over each channel's values, for each of {@link kernels}. */
  magnitudes(power: Power): readonly Float64Array[];
  /** Scales (γ) of the group's normalisation layers. */
  scales(): readonly Portion[];
  /** Every parameter that leaves with the channels. */
  parameters(): readonly Portion[];
  /**
   * Kernels of each producer as rows. More than one matrix where several of its kernels leave at once (the convolution
   * groups of a grouped convolution): row c of every matrix belongs to channel c of the group.
   */
  rows(): readonly (readonly GroupRows[])[];
  /** Dot products of all pairs of channels (size × size) over one producer's {@link rows}, laid one after the other. */
  products(matrices: readonly GroupRows[]): Float64Array;
  /** Dice similarity of the channels (size × size) on the source asked for; less the permuted kernels' for `weights-excess`. */
  similarity(): Float64Array;
  /** Values of this kind that belong to the portion's weight. */
  values(kind: 'gradient' | 'squaredGradient' | 'hessianProduct', portion: Portion): Float32Array;
  /** Feature maps of each producer, its statistics gathered to the group's channels. */
  featureMaps(): readonly FeatureMapStatistics[];
}

/** What costs the most, where something faster than core's plain loops can do it. */
export interface Arithmetic {
  readonly compare: Compare;
  /** Of float64 rows. */
  gramOfRows(rows: Rows): Float64Array;
}

export interface ViewOptions {
  readonly source: Source;
  /** Of the `random` criterion and of the permuted kernels. */
  readonly seed: number;
  readonly evidence: Evidence;
  /** Similarities of the weights that need not be computed again. */
  readonly similarities?: StoredSimilarities;
  /** Sums over the weights that need not be computed again. */
  readonly magnitudes?: Magnitudes;
  readonly arithmetic?: Arithmetic;
}

const plain: Arithmetic = { compare: compareKernels, gramOfRows };

/**
 * Makes the views of a network's groups. What a view lacks is a Failure `invalid-request` (field `criterion`) when it
 * is asked for.
 */
export function createViews(
  network: Network,
  { source, seed, evidence, similarities, magnitudes, arithmetic = plain }: ViewOptions,
): (group: DependencyGroup) => GroupView {
  const shapes = inferShapes(network);
  const portions = portionsOf(network);
  const random = createRandom(seed);
  const byKind = {
    gradient: evidence.gradients?.mean,
    squaredGradient: evidence.gradients?.meanSquare,
    hessianProduct: evidence.hessianProduct,
  };
  return (group) => {
    const { size, producers } = group;
    const rows = once(() => producers.map((member) => slots(member, kernelsOf(network, member.node, shapes))));
    const sampled = (): GroupRows[] => producers.flatMap((member) => slots(member, sampleOf(evidence, member.node)));
    const kernels = once(() => portions.kernels(group));
    return {
      size,
      random,
      kernels,
      magnitudes: (power) => kernels().map((portion) => magnitudesOf(portion, power, magnitudes)),
      scales: once(() => portions.scales(group)),
      parameters: once(() => portions.parameters(group)),
      rows,
      products: (matrices) =>
        sumOf(matrices.map(({ count, size, values }) => arithmetic.gramOfRows({ count, size, values: Float64Array.from(values) }))),
      similarity: once(() => {
        if (source === 'activations') return rowsSimilarity(sampled(), arithmetic.compare);
        const known = similarities && source === 'weights' ? storedSimilarity(kernels(), size, similarities) : undefined;
        if (known) return known;
        const compared = rows().flat();
        const similarity = rowsSimilarity(compared, arithmetic.compare);
        if (source === 'weights') return similarity;
        const permuted = rowsSimilarity(permute(compared, createRandom(seed)), arithmetic.compare);
        return similarity.map((value, at) => value - permuted[at]);
      }),
      values: (kind, { key }) => valuesOf(byKind[kind], key),
      featureMaps: once(() => producers.map((member) => gathered(member, mapsOf(evidence, member.node)))),
    };
  };
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}

function sumOf([total, ...others]: readonly Float64Array[]): Float64Array {
  for (const own of others) for (let at = 0; at < own.length; at++) total[at] += own[at];
  return total;
}

/** The null of METHOD.md §1: every kernel's values in another order. */
function permute(matrices: readonly GroupRows[], random: Random): GroupRows[] {
  return matrices.map((matrix) => {
    const values = matrix.values.slice();
    for (let row = 0; row < matrix.count; row++) random.shuffle(values.subarray(row * matrix.size, (row + 1) * matrix.size));
    return { ...matrix, values };
  });
}

function kernelsOf(network: Network, id: string, shapes: ReadonlyMap<string, Shape>): GroupRows {
  const node = nodeOf(network, id);
  return { ...kernelMatrix(node, weightsOf(network, node, shapes)), rescale: true };
}

function sampleOf({ activations }: Evidence, id: string): GroupRows {
  const sample = activations?.get(id);
  if (sample === undefined) throw notSeen(id, 'source');
  return { count: sample.channels, size: sample.samples, values: sample.values, rescale: !sample.nonNegative };
}

function mapsOf({ featureMaps }: Evidence, id: string): FeatureMapStatistics {
  const maps = featureMaps?.get(id);
  if (maps === undefined) throw notSeen(id, 'criterion');
  return maps;
}

function notSeen(id: string, field: string): Failure {
  return new Failure('invalid-request', `The activations of layer "${id}" were not sampled.`, {
    hint: 'Only convolutions are sampled: use layers "conv", or compare weights.',
    field,
  });
}

function valuesOf(values: ByWeight | undefined, key: string): Float32Array {
  const own = values?.get(key);
  if (own === undefined) {
    throw new Failure('invalid-request', `The gradient of "${key}" was not computed.`, {
      hint: 'Give the gradients of every kernel, or choose a criterion that looks at weights alone.',
      field: 'criterion',
    });
  }
  return own;
}

/** Means of each group channel's own channels in one producer. */
function gathered({ channels }: Member, { meanRank, zeroShare, nonNegative }: FeatureMapStatistics): FeatureMapStatistics {
  const means = (values: Float64Array): Float64Array =>
    Float64Array.from(channels, (own) => own.reduce((sum, channel) => sum + values[channel], 0) / own.length);
  return { meanRank: means(meanRank), zeroShare: means(zeroShare), nonNegative };
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
