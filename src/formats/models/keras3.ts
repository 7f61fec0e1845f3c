import type { Group } from 'h5wasm';
import type { Network, Tensor } from '../../core/network/types.ts';
import { Failure } from '../../core/failure.ts';
import { inferShapes, inputShapesOf, layerOf, validateNetwork } from '../../core/network/index.ts';
import { limits } from '../../limits.ts';
import { openArchive } from '../archive.ts';
import { canonicalJson, parseTopology } from '../topology.ts';
import { tensorAt, withHdf5 } from './keras-h5.ts';
import { asKeras2, type Layer, type Places } from './keras3-topology.ts';
import { networkOfKeras, type KerasWeights } from './keras.ts';
import { layerName, storedWeight } from './tfjs-lower.ts';
import { layersOf, zipped, type LayerEntry } from './tfjs-write.ts';

const CONFIG = 'config.json';
const WEIGHTS = 'model.weights.h5';
/** Where the Network itself travels. */
const NETWORK = 'espalier.json';

/** Whether the names of a zip's entries are those of a Keras 3 file. */
export function looksLikeKeras3(names: readonly string[]): boolean {
  return names.includes(CONFIG) && names.includes(WEIGHTS);
}

/**
 * Reads a Keras 3 `.keras` file.
 *
 * @throws Failure `malformed-file`, `limit-exceeded`, or what networkOfKeras finds
 */
export async function readKeras3(path: string, fileName: string): Promise<Network> {
  const files = new Map<string, Uint8Array>();
  for await (const entry of openArchive(path, fileName)) {
    if (![CONFIG, WEIGHTS, NETWORK].includes(entry.name)) continue;
    const most = entry.name === WEIGHTS ? limits.modelBytesMax : limits.modelHeaderBytesMax;
    if (entry.bytes > most) {
      throw new Failure('limit-exceeded', `${fileName} holds a ${entry.name} of ${entry.bytes} bytes.`, {
        hint: 'Give a smaller model.',
        field: fileName,
      });
    }
    files.set(entry.name, await entry.read());
  }
  const json = parsedJson(files.get(CONFIG), fileName);
  const own = files.get(NETWORK);
  const { topology, places } = asKeras2(json, fileName);
  return withHdf5(files.get(WEIGHTS) ?? new Uint8Array(), fileName, (file) => {
    const weightsOf: KerasWeights = (name, weight) => {
      const place = places.get(name);
      const index = place?.variables.indexOf(weight) ?? -1;
      return place && index >= 0 ? tensorAt(file, `${place.path}/vars/${index}`, fileName) : undefined;
    };
    return own ? ownNetwork(parsedJson(own, fileName), weightsOf, fileName) : networkOfKeras(topology, weightsOf, fileName);
  });
}

function parsedJson(bytes: Uint8Array | undefined, fileName: string): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch {
    throw malformed(fileName, 'its topology is not JSON');
  }
}

function ownNetwork(json: unknown, weightsOf: KerasWeights, fileName: string): Network {
  const { nodes, metadata } = parseTopology(json, fileName);
  const shapes = inferShapes(nodes);
  const weights = new Map<string, Tensor>();
  for (const [i, node] of nodes.entries()) {
    for (const { name } of layerOf(node.kind).weights(node, inputShapesOf(node, shapes))) {
      const stored = storedWeight(node, name);
      const tensor = weightsOf(kerasName(layerName(node.id, i)), stored.name);
      if (!tensor) throw malformed(fileName, `layer "${node.id}" has no weight "${name}"`);
      weights.set(`${node.id}/${name}`, stored.unpack(tensor));
    }
  }
  const network: Network = { nodes, weights, metadata };
  validateNetwork(network);
  return network;
}

/** Keras 3 allows no slash in a layer's name, and its PyTorch backend no dot; different names stay different. */
const kerasName = (name: string): string => name.replaceAll(/[-./]/g, (found) => ({ '-': '-d', '.': '--', '/': '-s' })[found] ?? found);

/** A Keras 3 file that keras.saving.load_model opens without custom code. Its input is preprocessed already. */
export async function writeKeras(network: Network): Promise<Uint8Array> {
  const { nodes, metadata } = network;
  const { layers, weights } = layersOf(network);
  const tensor = (name: string) => ({
    class_name: '__keras_tensor__',
    config: { shape: [], dtype: 'float32', keras_history: [kerasName(name), 0, 0] },
  });
  const entries = inKerasOrder(layers).map(({ class_name: className, name, config, inputs }): Layer => {
    const { batch_input_shape: shape, ...rest } = config;
    const read = inputs.map(tensor);
    return {
      class_name: className,
      name: kerasName(name),
      config: { ...rest, name: kerasName(name), ...(shape !== undefined && { batch_shape: shape }) },
      inbound_nodes: read.length === 0 ? [] : [{ args: read.length === 1 ? read : [read], kwargs: {} }],
    };
  });
  const model = {
    module: 'keras.src.models.functional',
    class_name: 'Functional',
    config: {
      name: metadata.name.replaceAll(/[^A-Za-z0-9._-]/g, '_'),
      trainable: true,
      layers: entries.map((entry) => ({ module: 'keras.layers', registered_name: null, ...entry })),
      input_layers: [[entries[0].name, 0, 0]],
      output_layers: [[kerasName(layers[layers.length - 1].name), 0, 0]],
    },
    registered_name: 'Functional',
  };
  const { places } = asKeras2(model, 'The export');
  return zipped({
    'metadata.json': Buffer.from(JSON.stringify({ keras_version: '3.0.0', date_saved: '1980-01-01@00:00:00' })),
    [CONFIG]: Buffer.from(JSON.stringify(model)),
    [WEIGHTS]: await hdf5Of(weights, places),
    [NETWORK]: Buffer.from(canonicalJson({ nodes, metadata })),
  });
}

/**
 * The order that Keras gives the layers of a model, by which it counts the groups of their weights: the longest way to the output
 * first; among equals the order in which the output's inputs are followed.
 */
function inKerasOrder(layers: readonly LayerEntry[]): readonly LayerEntry[] {
  const byName = new Map(layers.map((entry) => [entry.name, entry]));
  const depths = new Map<string, number>();
  for (const { name, inputs } of layers.toReversed()) {
    const depth = depths.get(name) ?? 0;
    depths.set(name, depth);
    for (const input of inputs) depths.set(input, Math.max(depth + 1, depths.get(input) ?? 0));
  }
  const places = new Map<string, number>();
  const stack = [layers[layers.length - 1].name];
  for (let name = stack.pop(); name !== undefined; name = stack.pop()) {
    if (places.has(name)) continue;
    places.set(name, places.size);
    stack.push(...(byName.get(name)?.inputs ?? []).toReversed());
  }
  const rank = ({ name }: LayerEntry): readonly [number, number] => [-(depths.get(name) ?? 0), places.get(name) ?? 0];
  return layers.toSorted((a, b) => rank(a)[0] - rank(b)[0] || rank(a)[1] - rank(b)[1]);
}

async function hdf5Of(weights: readonly [string, Tensor][], places: Places): Promise<Uint8Array> {
  const { File, ready } = await import('h5wasm');
  const { FS } = await ready;
  const path = '/export.weights.h5';
  const file = new File(path, 'w');
  try {
    // Keras looks for the variables of layers that have none, too.
    for (const { path: place } of places.values()) createGroups(file, `${place}/vars`);
    const counts = new Map<string, number>();
    for (const [key, { shape, data }] of weights) {
      const place = places.get(kerasName(key.slice(0, key.lastIndexOf('/'))))?.path ?? '';
      const index = counts.get(place) ?? 0;
      counts.set(place, index + 1);
      file.create_dataset({ name: `${place}/vars/${index}`, data, shape: [...shape], dtype: '<f4' });
    }
    file.close();
    return FS.readFile(path);
  } finally {
    FS.unlink(path);
  }
}

/** A group and those that it lies in. */
export function createGroups(within: Group, path: string): void {
  const folders = path.split('/');
  for (let depth = 1; depth <= folders.length; depth++) {
    const group = folders.slice(0, depth).join('/');
    if (within.get(group) === null) within.create_group(group);
  }
}

function malformed(fileName: string, what: string): Failure {
  return new Failure('malformed-file', `${fileName} is no sound Keras file: ${what}.`, {
    hint: 'Save or download the model again.',
    field: fileName,
  });
}
