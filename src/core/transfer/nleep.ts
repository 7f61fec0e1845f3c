import { createRandom } from '../random.ts';
import { type Decomposition, principalCoordinates } from './decomposition.ts';
import { fitMixture, kMeans } from './gaussian-mixture.ts';
import type { Measured } from './influence.ts';
import { leep } from './source-head.ts';

/** Share of the variance that the principal components keep, and how many they are at most: covariances grow with the square. */
const ENERGY = 0.8;
const AXES_MAX = 32;
const COMPONENTS_PER_CLASS = 5;
/** Fewer would leave most components one image each, whose posteriors foretell every label. */
const IMAGES_PER_COMPONENT = 4;

/**
 * NLEEP (Li 2021): LEEP with the components of a Gaussian mixture on the features' principal components in the place of
 * source classes. Components that carry 80 % of the variance, 32 at most; five Gaussians a class as published, but no more than
 * one for four images. Influences take the mixture as it is.
 *
 * @param options seed of the first clusters
 */
export function nleep(parts: Decomposition, { seed }: { seed: number }): Measured & { components: number; published: number } {
  const { count, classes, labels, sigma } = parts;
  const points = principalCoordinates(parts, axesFor(sigma));
  const published = COMPONENTS_PER_CLASS * classes;
  const components = Math.max(1, Math.min(published, Math.floor(count / IMAGES_PER_COMPONENT)));
  const { posteriors } = fitMixture(points, kMeans(points, components, createRandom(seed)), components);
  return { ...leep({ sourceClasses: components, values: posteriors }, labels, classes), components, published };
}

/** The fewest principal axes whose variance reaches the share that is kept. */
function axesFor(sigma: Float64Array): number {
  const total = sigma.reduce((a, b) => a + b, 0);
  let sum = 0;
  const last = sigma.findIndex((variance) => (sum += variance) >= ENERGY * total);
  return Math.min(last + 1, AXES_MAX);
}
