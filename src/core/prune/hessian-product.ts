import type { Network } from '../network/index.ts';
import type { ByWeight } from './evidence.ts';

/** Length of the step along the gradient, as a share of the weights' own norm: small for curvature, large for float32. */
const STEP = 1e-3;

/**
 * H·g, the Hessian of the loss times a vector, as the central difference of gradients along that vector:
 * (∇L(w + h·g) − ∇L(w − h·g)) / 2h (what GraSP, Wang et al. 2020, takes from a second backward pass).
 *
 * @param gradient g, by weight key
 * @param gradientAt the gradient at another network, over the same images
 */
export async function hessianProduct(
  network: Network,
  gradient: ByWeight,
  gradientAt: (network: Network) => Promise<ByWeight>,
): Promise<ByWeight> {
  const weights = Array.from(gradient.keys(), (key) => network.weights.get(key)?.data ?? new Float32Array());
  const length = norm([...gradient.values()]);
  if (length === 0) return gradient;
  const step = (STEP * norm(weights)) / length;
  const ahead = await gradientAt(moved(network, gradient, step));
  const behind = await gradientAt(moved(network, gradient, -step));
  return new Map(
    Array.from(gradient.keys(), (key) => {
      const back = behind.get(key) ?? new Float32Array();
      return [key, (ahead.get(key) ?? back).map((value, at) => (value - back[at]) / (2 * step))];
    }),
  );
}

function moved(network: Network, direction: ByWeight, step: number): Network {
  const weights = new Map(network.weights);
  for (const [key, values] of direction) {
    const tensor = weights.get(key);
    if (tensor !== undefined) weights.set(key, { ...tensor, data: tensor.data.map((value, at) => value + step * values[at]) });
  }
  return { ...network, weights };
}

function norm(vectors: readonly Float32Array[]): number {
  return Math.sqrt(vectors.reduce((total, vector) => total + vector.reduce((sum, value) => sum + value * value, 0), 0));
}
