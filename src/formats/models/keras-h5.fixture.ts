import { File, ready } from 'h5wasm';
import type { Network } from '../../core/network/types.ts';
import { openGroup } from './keras-h5.ts';
import { createGroups } from './keras3.ts';
import { layersOf } from './tfjs-write.ts';

/**
 * The network as Keras 2's `model.save('it.h5')` writes it; `topology: false` is `save_weights`, `keras3` what Keras 3 says of its
 * layers. Made of ids that Keras allows.
 */
export async function kerasH5Of(
  network: Network,
  { topology = true, keras3 }: { readonly topology?: boolean; readonly keras3?: string } = {},
): Promise<Uint8Array> {
  const { FS } = await ready;
  const path = '/fixture.h5';
  const file = new File(path, 'w');
  const { layers, weights } = layersOf(network);
  const config = {
    name: 'model',
    layers: layers.map(({ inputs, ...layer }) => ({
      ...layer,
      inbound_nodes: inputs.length > 0 ? [inputs.map((from) => [from, 0, 0, {}])] : [],
    })),
    input_layers: [[layers[0].name, 0, 0]],
    output_layers: [[layers[layers.length - 1].name, 0, 0]],
  };
  const root = topology ? file.create_group('model_weights') : file;
  if (topology) file.create_attribute('model_config', keras3 ?? JSON.stringify({ class_name: 'Functional', config }));
  if (topology) file.create_attribute('keras_version', keras3 === undefined ? '2.15.0' : '3.9.0');
  root.create_attribute(
    'layer_names',
    layers.map(({ name }) => name),
  );
  for (const { name } of layers) {
    const own = weights.filter(([key]) => key.startsWith(`${name}/`) && key.lastIndexOf('/') === name.length);
    createGroups(root, name);
    const group = openGroup(root, name, path);
    if (group === undefined) throw new Error(`no group ${name}`);
    if (own.length > 0) {
      group.create_attribute(
        'weight_names',
        own.map(([key]) => `${key}:0`),
      );
      createGroups(group, name);
    }
    for (const [key, { shape, data }] of own) group.create_dataset({ name: `${key}:0`, data, shape: [...shape], dtype: '<f4' });
  }
  file.close();
  const bytes = FS.readFile(path);
  FS.unlink(path);
  return bytes;
}
