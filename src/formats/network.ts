import { createHash } from 'node:crypto';
import { statSync } from 'node:fs';
import type { Network, Tensor } from '../core/network/types.ts';
import { Failure } from '../core/failure.ts';
import { loadWeights, torchNaming } from '../backbones/index.ts';
import { validateNetwork } from '../core/network/index.ts';
import { openSafetensors, parseSafetensors, writeSafetensors, type Safetensors } from './models/safetensors.ts';
import { canonicalJson, parseTopology } from './topology.ts';

/** Key of a safetensors file's metadata that marks it as a stored Network and holds nodes and metadata as JSON. */
export const NETWORK_KEY = 'espalier.network';
/** Key that says whose names and layout the weights have where they are not ours: `torch`. */
export const LAYOUT_KEY = 'espalier.layout';

/**
 * The stored form of a Network: one safetensors file of its weights, with nodes and metadata as JSON in its metadata. Equal networks give
 * equal bytes. `float16` halves the kernels (see writeSafetensors); reading widens them again.
 */
export function encodeNetwork(network: Network, options: { precision?: 'float32' | 'float16' } = {}): Uint8Array {
  const { nodes, metadata } = network;
  return writeSafetensors(orderedWeights(network), { [NETWORK_KEY]: canonicalJson({ nodes, metadata }) }, options.precision);
}

/**
 * Reads {@link encodeNetwork}'s form and checks every layer and weight.
 *
 * @throws Failure `malformed-file`, `unsupported-layer`, or what validateNetwork finds
 */
export function decodeNetwork(bytes: Uint8Array, fileName = 'The stored network'): Network {
  const network = networkOf(parseSafetensors(bytes, fileName), fileName);
  if (network) return network;
  throw new Failure('malformed-file', `${fileName} holds weights but no topology.`, {
    hint: 'Import it as safetensors with the name of its architecture.',
    field: fileName,
  });
}

/**
 * Opens a file of {@link encodeNetwork} that this service has written itself: nothing is checked again, and weights are read
 * when they are asked for, so that who needs few or none does not wait for the rest.
 *
 * @throws Failure `malformed-file`
 */
export function openNetwork(path: string, fileName = 'The stored network'): Network {
  const { tensors: weights, metadata } = openSafetensors(path, statSync(path).size, fileName);
  return { ...parseTopology(JSON.parse(metadata[NETWORK_KEY] ?? 'null'), fileName), weights };
}

/** The Network in a parsed safetensors file, or undefined where it holds weights only. */
export function networkOf({ tensors, metadata }: Safetensors, fileName: string): Network | undefined {
  const json = metadata[NETWORK_KEY];
  if (json === undefined) return undefined;
  let parsed: unknown;
  try {
    parsed = JSON.parse(json);
  } catch {
    throw new Failure('malformed-file', `${fileName} has a topology that is not JSON.`, { field: fileName });
  }
  const topology = parseTopology(parsed, fileName);
  if (metadata[LAYOUT_KEY] === 'torch') return loadWeights(topology, tensors, torchNaming);
  const network: Network = { ...topology, weights: tensors };
  validateNetwork(network);
  return network;
}

/** sha256 in hex over topology and float32 weights; names, class names and preprocessing do not count. */
export function networkHash(network: Network): string {
  const hash = createHash('sha256').update(canonicalJson(network.nodes));
  for (const [key, { shape, data }] of orderedWeights(network)) {
    hash.update(canonicalJson([key, shape])).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

/** Weights in the order of the nodes and then by name, whatever order the map was filled in. */
export function orderedWeights(network: Network): [string, Tensor][] {
  const position = new Map(network.nodes.map(({ id }, i) => [id, i]));
  const rank = (key: string): number => position.get(key.slice(0, key.lastIndexOf('/'))) ?? position.size;
  return [...network.weights].sort(([a], [b]) => rank(a) - rank(b) || (a < b ? -1 : 1));
}
