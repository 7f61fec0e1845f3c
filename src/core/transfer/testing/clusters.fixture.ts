import { createRandom } from '../../random.ts';
import type { Features } from '../features.ts';

export interface Clusters {
  readonly features: Features & { readonly values: Float32Array };
  readonly labels: Int32Array;
  readonly classes: number;
}

/** Classes around centres of their own, `distance` standard deviations from the common one along some dimensions. */
export function clusters(
  count: number,
  dimensions: number,
  distance: number,
  { classes = 3, seed = 1 }: { classes?: number; seed?: number } = {},
): Clusters {
  const random = createRandom(seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const values = new Float32Array(count * dimensions);
  for (let at = 0; at < values.length; at++) {
    values[at] = 0.3 + random.normal() + ((at % dimensions) % classes === labels[Math.floor(at / dimensions)] ? distance : 0);
  }
  return { features: { dimensions, values }, labels, classes };
}
