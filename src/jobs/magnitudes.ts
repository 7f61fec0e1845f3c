import type { Network } from '../core/network/index.ts';
import { kernelMagnitudes, kernelWeights, type Magnitudes } from '../core/prune/index.ts';
import type { Cache } from '../store/cache.ts';

/** The file's form: for each kernel in network order Σ|w|, then Σw², in float64. */
const NAME = 'magnitudes-1';

/**
 * The magnitudes of a stored network's kernels: kept since its arrival, or computed again and kept.
 *
 * @param blob of the network as it is stored
 */
export async function storedMagnitudes(cache: Cache, blob: string, network: Network): Promise<Magnitudes> {
  const kept = await cache.read(blob, NAME);
  const known = kept && read(kept, network);
  if (known) return known;
  const magnitudes = kernelMagnitudes(network);
  const values = Float64Array.from([...magnitudes.values()].flatMap(({ absolute, square }) => [...absolute, ...square]));
  await cache.write(blob, NAME, new Uint8Array(values.buffer));
  return magnitudes;
}

function read(bytes: Uint8Array, network: Network): Magnitudes | undefined {
  const kernels = kernelWeights(network);
  const values = new Float64Array(bytes.slice().buffer);
  if (values.length !== kernels.reduce((sum, { channels }) => sum + 2 * channels, 0)) return undefined;
  let from = 0;
  const next = (count: number): Float64Array => values.subarray(from, (from += count));
  return new Map(kernels.map(({ key, channels }) => [key, { absolute: next(channels), square: next(channels) }]));
}
