import { firstImages, type ImageSet } from '../../core/images.ts';
import { activationSites, channelsOf, inferShapes, sizeOf, type Network } from '../../core/network/index.ts';
import {
  type Activations,
  criterionOf,
  type Evidence,
  featureMapStatistics,
  type FeatureMaps,
  hessianProduct,
  joinStatistics,
  type Need,
} from '../../core/prune/index.ts';
import type { Engine } from '../../engine/types.ts';
import type { PruneRequest } from '../../schema/prunings.ts';
import type { JobContext } from '../types.ts';
import { subset } from './images.ts';

/** Images that activations are sampled on, and positions of each: METHOD.md §1 asks for one pass and little memory. */
const ACTIVATION_IMAGES = 256;
const POSITIONS_PER_IMAGE = 8;
/** Images whose whole feature maps are looked at; the order of mean ranks settles after a few dozen (Lin 2020, fig. 2). */
const MAP_IMAGES = 64;
/** Values of feature maps held at once. */
const MAP_VALUES_MAX = 32e6;
/** Calibration batches of the gradients. */
const GRADIENT_BATCHES = 16;
const GRADIENT_BATCH_SIZE = 32;

export interface Collecting extends Pick<JobContext<'prune'>, 'progress' | 'signal'> {
  readonly engine: Engine;
  /** Training images; nothing is learned from validation or test. */
  readonly images: ImageSet;
  readonly seed: number;
}

/** What the request's criterion looks at beside the weights. */
export const needsOf = ({ criterion, source }: PruneRequest): readonly Need[] => criterionOf(criterion).needs(source);

/** Runs the network over training images for what the needs name. */
export async function collectEvidence(network: Network, needs: readonly Need[], collecting: Collecting): Promise<Evidence> {
  const wants = (need: Need): boolean => needs.includes(need);
  const gradients = wants('gradients') || wants('hessianProduct') ? await gradientsAt(network, collecting) : undefined;
  return {
    gradients,
    activations: wants('activations') ? await sampledActivations(network, collecting) : undefined,
    featureMaps: wants('featureMaps') ? await wholeMaps(network, collecting) : undefined,
    hessianProduct:
      wants('hessianProduct') && gradients
        ? await hessianProduct(network, gradients.mean, async (moved) => (await gradientsAt(moved, collecting)).mean)
        : undefined,
  };
}

const gradientsAt = (network: Network, { engine, images, seed, progress, signal }: Collecting): ReturnType<Engine['gradients']> =>
  engine.gradients(network, images, {
    batches: GRADIENT_BATCHES,
    batchSize: GRADIENT_BATCH_SIZE,
    seed,
    onProgress: progress,
    signal,
  });

const sampledActivations = (network: Network, { engine, images, seed, progress, signal }: Collecting): Promise<Activations> =>
  engine.activations(network, firstImages(images, ACTIVATION_IMAGES), {
    positionsPerImage: POSITIONS_PER_IMAGE,
    seed,
    onProgress: progress,
    signal,
  });

/** Feature maps are read whole, a few images at a time. */
async function wholeMaps(network: Network, { engine, images, seed, progress, signal }: Collecting): Promise<FeatureMaps> {
  const shapes = inferShapes(network);
  const sites = activationSites(network).map(({ conv, read }) => ({ conv, shape: shapes.get(read) ?? [] }));
  const valuesOfImage = sites.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const step = Math.max(1, Math.floor(MAP_VALUES_MAX / valuesOfImage));
  const total = Math.min(MAP_IMAGES, images.count);
  const parts = new Map(sites.map(({ conv }) => [conv, [] as Parameters<typeof joinStatistics>[0][number][]]));
  for (let first = 0; first < total; first += step) {
    const count = Math.min(step, total - first);
    const some = subset(
      images,
      Array.from({ length: count }, (_, i) => first + i),
    );
    const maps = await engine.activations(network, some, { positionsPerImage: Number.POSITIVE_INFINITY, seed, signal });
    for (const { conv, shape } of sites) {
      const sample = maps.get(conv);
      if (sample === undefined) throw new Error(`The engine read no activations of "${conv}".`);
      const [height, width] = channelsOf(shape) === sizeOf(shape) ? [1, 1] : shape;
      parts.get(conv)?.push({ statistics: featureMapStatistics(sample, { height, width }), images: count });
    }
    progress({ phase: `feature maps ${network.metadata.name}`, done: first + count, total });
  }
  return new Map(Array.from(parts, ([conv, own]) => [conv, joinStatistics(own)]));
}
