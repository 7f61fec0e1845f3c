import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import type { Network, Tensor } from '../../core/network/types.ts';
import { inferShapes, inputShapesOf, weightsOf } from '../../core/network/index.ts';
import { HALF_MAX, toHalf } from './half.ts';
import { layerName, lower, storedWeight } from './tfjs-lower.ts';

/** Key of userDefinedMetadata under which the Network itself travels. */
export const NETWORK_METADATA = 'espalier';

/** How weights are stored; tensors of one axis are float32 in any case, since they cost little and rounding them costs accuracy. */
export type TfjsPrecision = 'float32' | 'float16' | 'uint8';

/**
 * A LayersModel that tf.loadLayersModel opens without custom code. Its input is preprocessed already; how is told in
 * userDefinedMetadata, with the class names and the Network's own nodes and metadata.
 */
export function writeTfjs(network: Network, precision: TfjsPrecision = 'float32'): { 'model.json': Uint8Array; 'weights.bin': Uint8Array } {
  const { nodes, metadata } = network;
  const { layers, weights } = layersOf(network);
  const packed = weights.map(([, tensor]) => packedWeight(tensor, precision));
  const names = new Map(nodes.map(({ id }, i) => [id, layerName(id, i)]));
  const entry = (id: string) => [names.get(id), 0, 0];
  const model = {
    format: 'layers-model',
    generatedBy: 'espalier',
    convertedBy: null,
    modelTopology: {
      class_name: 'Functional',
      config: {
        name: metadata.name.replaceAll(/[^A-Za-z0-9._-]/g, '_'),
        layers: layers.map(({ inputs, ...layer }) => ({
          ...layer,
          inbound_nodes: inputs.length > 0 ? [inputs.map((input) => [input, 0, 0, {}])] : [],
        })),
        input_layers: [entry(nodes[0].id)],
        output_layers: [entry(nodes[nodes.length - 1].id)],
      },
      keras_version: '2.15.0',
      backend: 'tensorflow',
    },
    weightsManifest: [
      {
        paths: ['weights.bin'],
        weights: weights.map(([name, { shape }], i) => ({ name, shape, dtype: 'float32', ...packed[i].manifest })),
      },
    ],
    userDefinedMetadata: {
      preprocessing: metadata.preprocessing,
      classNames: metadata.classNames ?? null,
      [NETWORK_METADATA]: { nodes, metadata },
    },
  };
  return {
    'model.json': Buffer.from(JSON.stringify(model)),
    'weights.bin': Buffer.concat(packed.map(({ bytes }) => bytes)),
  };
}

const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array => new Uint8Array(buffer, byteOffset, byteLength);

/** tfjs's quantisation: value = stored · scale + min. */
function packedWeight({ shape, data }: Tensor, precision: TfjsPrecision): { bytes: Uint8Array; manifest: object } {
  if (precision === 'float32' || shape.length < 2) return { bytes: bytesOf(data), manifest: {} };
  if (precision === 'float16') {
    const fits = data.every((value) => Math.abs(value) <= HALF_MAX);
    return fits
      ? { bytes: bytesOf(toHalf(data)), manifest: { quantization: { dtype: 'float16' } } }
      : { bytes: bytesOf(data), manifest: {} };
  }
  const [min, max] = data.reduce(([low, high], value) => [Math.min(low, value), Math.max(high, value)], [0, 0]);
  // Zero is a stored value, so that what was pruned or padded stays exactly zero.
  const scale = (max - min) / 255 || 1;
  const zero = Math.round(-min / scale);
  const bytes = Uint8Array.from(data, (value) => Math.min(255, Math.max(0, Math.round(value / scale) + zero)));
  return { bytes, manifest: { quantization: { dtype: 'uint8', scale, min: -zero * scale } } };
}

/** {@link writeTfjs} as a zip; the same network gives the same bytes. */
export async function writeTfjsZip(network: Network, precision?: TfjsPrecision): Promise<Uint8Array> {
  return zipped(writeTfjs(network, precision));
}

/** A zip whose bytes depend on its files alone; JSON is packed. */
export async function zipped(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array> {
  const zip = new ZipFile();
  // Without the UTC field that would make the bytes depend on the time zone.
  const fixed = { mtime: new Date(1980, 0, 1), mode: 0o100644, forceDosTimestamp: true };
  for (const [name, bytes] of Object.entries(files)) {
    zip.addBuffer(Buffer.from(bytes), name, { ...fixed, compress: name.endsWith('.json') });
  }
  zip.end();
  return buffer(zip.outputStream as unknown as AsyncIterable<Uint8Array>);
}

/** One layer as a LayersModel has it. */
export interface LayerEntry {
  readonly class_name: string;
  readonly name: string;
  readonly config: Readonly<Record<string, unknown>>;
  readonly inputs: readonly string[];
}

/** The layers that compute the network in Keras, and their weights by `LAYER/WEIGHT` in Keras's order. */
export function layersOf(network: Network): { layers: readonly LayerEntry[]; weights: readonly [string, Tensor][] } {
  const shapes = inferShapes(network);
  const names = new Map(network.nodes.map(({ id }, i) => [id, layerName(id, i)]));
  const layers: LayerEntry[] = [];
  const weights: [string, Tensor][] = [];
  for (const node of network.nodes) {
    const name = names.get(node.id) ?? '';
    const entrances = node.inputs.map((input) => names.get(input) ?? '');
    let inputs = entrances;
    for (const { className, suffix, config, fixedKernel, inputs: given } of lower(node, inputShapesOf(node, shapes))) {
      const own = `${name}${suffix}`;
      if (given) inputs = given.map((from) => (typeof from === 'number' ? entrances[from] : `${name}${from}`));
      layers.push({
        class_name: className,
        name: own,
        config: { name: own, trainable: true, ...config },
        inputs,
      });
      inputs = [own];
      if (fixedKernel) weights.push([`${own}/kernel`, fixedKernel()]);
    }
    for (const [weight, tensor] of Object.entries(weightsOf(network, node, shapes))) {
      const stored = storedWeight(node, weight);
      weights.push([`${name}/${stored.name}`, stored.pack(tensor)]);
    }
  }
  return { layers, weights };
}
