import type { ImageSet } from '../../../core/images.ts';
import type { Network, Tensor } from '../../../core/network/index.ts';
import { alignment, scoreCandidate, type TransferEvidence } from '../../../core/transfer/index.ts';
import type { Engine } from '../../../engine/types.ts';
import type { ProfileResult } from '../../../schema/profiles.ts';
import type { Observed } from '../../recommendation/entries.ts';
import type { JobContext } from '../../types.ts';
import { classesOf } from '../classes.ts';
import { profileActivations } from '../dice.ts';
import { profileWeights, stampOf, totalCost } from '../models.ts';

/** Activations are sampled on so many images, at so many positions of each (METHOD.md §1). */
export const PROBE_IMAGES = 256;
const POSITIONS_PER_IMAGE = 8;

export interface Observing extends Pick<JobContext<'recommend'>, 'progress' | 'signal'> {
  readonly engine: Engine;
  readonly classes: number;
  readonly seed: number;
}

/** What is known of a backbone before it is run. */
export interface Source {
  /** Of the weights; made where it is not known. */
  readonly weights: Pick<ProfileResult, 'diversity' | 'diversityExcess' | 'redundantShare'> | null;
  /** On its source's test images. */
  readonly accuracy: TransferEvidence['sourceAccuracy'];
  /**
   * Of its activations there, by convolution; undefined where they were not kept, null for a network whose moving statistics
   * are of the target.
   */
  readonly quantiles: ReadonlyMap<string, Tensor> | undefined | null;
}

/**
 * One forward pass over the images, and every score from it.
 *
 * @throws Failure where the network has no one classifier, or answers with values that are not finite
 */
export async function observe(
  { engine, classes, seed, progress, signal }: Observing,
  network: Network,
  images: ImageSet,
  source: Source,
): Promise<Observed> {
  const { features, logits, activations } = await engine.observe(network, images, {
    probeImages: PROBE_IMAGES,
    positionsPerImage: POSITIONS_PER_IMAGE,
    seed,
    onProgress: progress,
    signal,
  });
  const weights = source.weights ?? profileWeights(network, { layers: 'conv', seed: 0 });
  const profile = profileActivations(activations, { seed }).document;
  const cost = totalCost(network);
  const scored = scoreCandidate(
    {
      features,
      labels: images.labels,
      classes,
      source: { classes: classesOf(network), logits },
      weights,
      activations: { ...profile, standardError: standardError(profile) },
      alignment: source.quantiles === null ? null : alignment(network, activations, source.quantiles),
      flops: cost.flops,
      params: cost.params,
      sourceAccuracy: source.accuracy,
    },
    { seed, linear: engine.linear },
  );
  const { redundantShare } = weights;
  return { scored, labels: images.labels, redundantShare, lateDiversity: lateDiversity(profile), cost, engine: stampOf(engine) };
}

/** Kernel-weighted activation diversity of the last third of the layers. */
function lateDiversity({ layers }: Pick<ProfileResult, 'layers'>): number | null {
  const late = layers.slice(Math.floor((2 * layers.length) / 3)).flatMap(({ kernels, dice }) => (dice ? [{ kernels, ...dice }] : []));
  const kernels = late.reduce((sum, layer) => sum + layer.kernels, 0);
  return kernels === 0 ? null : late.reduce((sum, { kernels: own, diversity }) => sum + own * diversity, 0) / kernels;
}

/** That the sample leaves on the model's diversity; the layers saw the same images, so that their errors may add up. */
function standardError({ layers, kernels }: Pick<ProfileResult, 'layers' | 'kernels'>): number {
  return layers.reduce((sum, layer) => sum + (layer.kernels / kernels) * (layer.dice?.standardError?.diversity ?? 0), 0);
}
