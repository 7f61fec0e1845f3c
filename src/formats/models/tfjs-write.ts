import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import type { Network, Tensor } from '../../core/network/types.ts';
import { inferShapes, inputShapesOf, weightsOf } from '../../core/network/index.ts';
import { layerName, lower, storedWeight } from './tfjs-lower.ts';

/** Key of userDefinedMetadata under which the Network itself travels. */
export const NETWORK_METADATA = 'espalier';

/**
 * A LayersModel that tf.loadLayersModel opens without custom code. Its input is preprocessed already; how is told in
 * userDefinedMetadata, with the class names and the Network's own nodes and metadata.
 */
export function writeTfjs(network: Network): { 'model.json': Uint8Array; 'weights.bin': Uint8Array } {
  const { nodes, metadata } = network;
  const { layers, weights } = layersOf(network);
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
        layers,
        input_layers: [entry(nodes[0].id)],
        output_layers: [entry(nodes[nodes.length - 1].id)],
      },
      keras_version: '2.15.0',
      backend: 'tensorflow',
    },
    weightsManifest: [{ paths: ['weights.bin'], weights: weights.map(([name, { shape }]) => ({ name, shape, dtype: 'float32' })) }],
    userDefinedMetadata: {
      preprocessing: metadata.preprocessing,
      classNames: metadata.classNames ?? null,
      [NETWORK_METADATA]: { nodes, metadata },
    },
  };
  return {
    'model.json': Buffer.from(JSON.stringify(model)),
    'weights.bin': Buffer.concat(weights.map(([, { data }]) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))),
  };
}

/** {@link writeTfjs} as a zip; the same network gives the same bytes. */
export async function writeTfjsZip(network: Network): Promise<Uint8Array> {
  const zip = new ZipFile();
  // Without the UTC field that would make the bytes depend on the time zone.
  const fixed = { mtime: new Date(1980, 0, 1), mode: 0o100644, forceDosTimestamp: true };
  for (const [name, bytes] of Object.entries(writeTfjs(network))) {
    zip.addBuffer(Buffer.from(bytes), name, { ...fixed, compress: name.endsWith('.json') });
  }
  zip.end();
  return buffer(zip.outputStream as unknown as AsyncIterable<Uint8Array>);
}

function layersOf(network: Network): { layers: readonly object[]; weights: readonly [string, Tensor][] } {
  const shapes = inferShapes(network);
  const names = new Map(network.nodes.map(({ id }, i) => [id, layerName(id, i)]));
  const layers: object[] = [];
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
        inbound_nodes: inputs.length > 0 ? [inputs.map((input) => [input, 0, 0, {}])] : [],
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
