import type { File, Group } from 'h5wasm';
import type { Network, Preprocessing, Shape, Tensor } from '../../core/network/types.ts';
import { architectures, kerasNaming, kerasSpelling } from '../../backbones/index.ts';
import { Failure } from '../../core/failure.ts';
import { preparation } from './entrance.ts';
import { listedWeights, openGroup, tensorAt } from './keras-h5.ts';
import { networkOfWeights, type AboutWeights } from './torch-weights.ts';

/**
 * The network of a file that holds Keras weights alone: Keras 2's `save_weights('it.h5')`, or Keras 3's `it.weights.h5`. Its architecture
 * is one of keras.applications, given or guessed.
 *
 * @throws Failure `unsupported-format` where it holds no weights by name; what networkOfWeights finds
 */
export function networkOfKerasWeights(file: File, about: AboutWeights): Network {
  const { fileName } = about;
  const tensors = new Map<string, Tensor>();
  const stored = isKeras3(file, fileName) ? [...numberedWeights(file, fileName)] : listedWeights(file, '', fileName);
  const names = renumbered(stored.map(({ layer }) => kerasSpelling(layer)));
  for (const { layer, weight, path } of stored) {
    // The number of images that a Normalization was adapted to is no weight.
    if (weight === 'count') continue;
    tensors.set(`${names.get(kerasSpelling(layer))}/${weight.replace(/^depthwise_/, '')}`, tensorAt(file, path, fileName));
  }
  addFactors(tensors);
  if (tensors.size === 0) {
    throw new Failure('unsupported-format', `${fileName} is an HDF5 file without weights that Keras wrote.`, {
      hint: 'Save the whole model (model.save).',
      field: fileName,
    });
  }
  const architecture = about.architecture === undefined ? undefined : `keras:${about.architecture.replace(/^keras:/, '')}`;
  const network = networkOfWeights(
    tensors,
    { preprocessing: preparationIn(tensors), ...about, architecture },
    {
      name: 'keras',
      naming: kerasNaming,
      classesOf: (shape: Shape) => shape.at(-1),
      featuresOf: (shape: Shape) => shape.slice(0, -1),
    },
  );
  const isBgr = architectures().some(({ id, bgr }) => bgr && id === network.metadata.architecture);
  return isBgr ? withRedFirst(network) : network;
}

/** What EfficientNet's Normalization holds in Keras's own weights as a variance; the deviation itself, for its model divides by a second root. */
const IMAGENET_DEVIATIONS = [0.229, 0.224, 0.225];

/** How the Normalization of an EfficientNet prepares images, after pixels were scaled to 0…1; undefined where its architecture knows. */
function preparationIn(tensors: ReadonlyMap<string, Tensor>): Preprocessing | undefined {
  const [mean, variance] = ['mean', 'variance'].map((name) => Array.from(tensors.get(`normalization/${name}`)?.data ?? []));
  if (mean.length !== 3 || variance.length !== 3 || !variance.every((value) => value > 0)) return undefined;
  if (variance.every((value, c) => Math.abs(value - IMAGENET_DEVIATIONS[c]) < 1e-3)) return undefined;
  const deviation = variance.map(Math.sqrt);
  return preparation({ scale: deviation.map((value) => 1 / value / 255), offset: mean.map((value, c) => -value / deviation[c]) })
    .preprocessing;
}

/**
 * Layers that nobody named bear the name of their class and a number that a session counts on from model to model: here each class
 * counts from its first layer in the file, which has no number.
 */
function renumbered(layers: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map(layers.map((layer) => [layer, layer]));
  for (const type of ['conv2d', 'batch_normalization', 'normalization']) {
    const numbers = new Map<string, number>();
    for (const layer of names.keys()) {
      const [whole, number = '0'] = new RegExp(`^${type}(?:_(\\d+))?$`).exec(layer) ?? [];
      if (whole !== undefined) numbers.set(layer, Number(number));
    }
    const inOrder = [...numbers].toSorted(([, a], [, b]) => a - b);
    for (const [n, [layer]] of inOrder.entries()) names.set(layer, n === 0 ? type : `${type}_${n}`);
  }
  return names;
}

/** A BatchNormalization with `scale=False` has no factor: one for each channel. */
function addFactors(tensors: Map<string, Tensor>): void {
  for (const [name, { shape, data }] of tensors) {
    const factor = name.replace(/moving_variance$/, 'gamma');
    if (!tensors.has(factor)) tensors.set(factor, { shape, data: new Float32Array(data.length).fill(1) });
  }
}

const isKeras3 = (file: File, fileName: string): boolean => openGroup(file, 'layers', fileName) !== undefined;

/** Variables by their number, in Keras's order for the class that the group is called after. */
const variables: readonly (readonly [group: RegExp, names: readonly string[]])[] = [
  [/^batch_normalization/, ['gamma', 'beta', 'moving_mean', 'moving_variance']],
  [/^layer_normalization/, ['gamma', 'beta']],
  [/^layer_scale/, ['gamma']],
  [/^normalization/, ['mean', 'variance', 'count']],
  [/^(depthwise_)?conv2d|^dense/, ['kernel', 'bias']],
];

/** What lies in `layers/GROUP/vars/NUMBER`, whose attribute says the layer; a model within has groups of its own. */
function* numberedWeights(
  file: File,
  fileName: string,
  folder = 'layers',
  depth = 0,
): Generator<{ layer: string; weight: string; path: string }> {
  const found = openGroup(file, folder, fileName);
  if (found === undefined || depth > 8) return;
  for (const group of found.keys()) {
    yield* numberedWeights(file, fileName, `${folder}/${group}/layers`, depth + 1);
    const vars = openGroup(file, `${folder}/${group}/vars`, fileName);
    const names = variables.find(([pattern]) => pattern.test(group))?.[1] ?? [];
    if (vars === undefined) continue;
    const numbers = vars.keys();
    // Without a factor (`scale=False`) the addend is the first.
    const skipped = names.length === 4 && numbers.length === 3 ? 1 : 0;
    for (const number of numbers) {
      const layer = layerNamed(vars, fileName);
      yield { layer, weight: names[Number(number) + skipped] ?? `variable ${number}`, path: `${folder}/${group}/vars/${number}` };
    }
  }
}

function layerNamed(vars: Group, fileName: string): string {
  const name: unknown = Object.hasOwn(vars.attrs, 'name') ? vars.attrs.name.value : undefined;
  if (typeof name === 'string') return name;
  throw new Failure('unsupported-format', `${fileName} does not say which layers its weights belong to, as files of early Keras 3 do.`, {
    hint: 'Save the whole model (model.save).',
    field: fileName,
  });
}

/** First kernels read blue, green, red in files that come from Caffe; here they read red first, as all images do. */
function withRedFirst(network: Network): Network {
  const kernels = network.nodes.filter(({ kind }) => kind === 'Conv2D').map(({ id }) => `${id}/kernel`);
  const weights = new Map(network.weights);
  const { shape, data } = weights.get(kernels[0]) ?? { shape: [0, 0, 0, 0], data: new Float32Array() };
  const filters = shape[3];
  const turned = data.map((_, i) => {
    const channel = Math.floor(i / filters) % 3;
    return data[i + (2 - 2 * channel) * filters];
  });
  weights.set(kernels[0], { shape, data: turned });
  return { ...network, weights };
}
