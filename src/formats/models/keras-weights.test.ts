import { File, ready } from 'h5wasm';
import { describe, expect, it } from 'vitest';
import { buildBackbone, kerasNaming, namedWeights } from '../../backbones/index.ts';
import type { Tensor } from '../../core/network/types.ts';
import { readModel } from './index.ts';
import { kerasH5Of } from './keras-h5.fixture.ts';
import { differing, file } from './testing.ts';

const read = async (bytes: Uint8Array, architecture?: string) =>
  (await readModel(file(bytes), { fileName: 'it.h5', architecture })).network;

const mobilenet = buildBackbone('keras:mobilenetv2', { classes: 3, seed: 4 });
const kernelOf = (tensors: ReadonlyMap<string, Tensor>, key: string): Float32Array => tensors.get(key)?.data ?? new Float32Array();

/** Keras 3's file of numbered variables, with the layer's name beside them or not. */
async function numbered(tensors: readonly (readonly [string, Tensor])[], named = true): Promise<Uint8Array> {
  const { FS } = await ready;
  const out = new File('/numbered.h5', 'w');
  const layers = new Map<string, (readonly [string, Tensor])[]>();
  for (const one of tensors) {
    const layer = one[0].slice(0, one[0].lastIndexOf('/'));
    layers.set(layer, [...(layers.get(layer) ?? []), one]);
  }
  out.create_group('layers');
  let count = 0;
  for (const [layer, weights] of layers) {
    const has = (name: string): boolean => weights.some(([key]) => key.endsWith(`/${name}`));
    const kind = has('moving_mean') ? 'batch_normalization' : weights[0][1].shape.length === 2 ? 'dense' : 'conv2d';
    const folder = `layers/${kind}_${count++}`;
    out.create_group(folder);
    const vars = out.create_group(`${folder}/vars`);
    if (named) vars.create_attribute('name', layer);
    // Keras 3 numbers a layer's variables in the order of their making.
    const order = ['kernel', 'bias', 'gamma', 'beta', 'moving_mean', 'moving_variance'];
    const rank = ([key]: readonly [string, Tensor]): number => order.indexOf(key.slice(key.lastIndexOf('/') + 1));
    for (const [i, [, { shape, data }]] of weights.toSorted((a, b) => rank(a) - rank(b)).entries())
      vars.create_dataset({ name: String(i), data, shape: [...shape], dtype: '<f4' });
  }
  out.close();
  const bytes = FS.readFile('/numbered.h5');
  FS.unlink('/numbered.h5');
  return bytes;
}

describe('Keras weights alone', () => {
  /** Inception-v3's layers as a session names them that made other models before, without the factors that Keras leaves out. */
  function asNumbered(tensors: readonly (readonly [string, Tensor])[], before: number): (readonly [string, Tensor])[] {
    return tensors
      .filter(([name]) => !name.endsWith('/gamma'))
      .map(([name, tensor]) => [
        name.replace(/^(conv2d|batch_normalization)(?:_(\d+))?\//, (_, type: string, n = '0') => `${type}_${Number(n) + before}/`),
        tensor,
      ]);
  }

  it('of Inception-v3 are told apart by the order of their numbers', async () => {
    const inception = buildBackbone('keras:inception_v3', { classes: 2, inputShape: [75, 75, 3], seed: 6 });
    const tensors = asNumbered(namedWeights(inception, kerasNaming), 95);
    expect(tensors.map(([name]) => name)).toEqual(expect.arrayContaining(['conv2d_95/kernel', 'batch_normalization_188/beta']));
    const back = await read(await numbered(tensors.toReversed()));
    expect(back.metadata.architecture).toBe('keras:inception_v3');
    expect(back.metadata.preprocessing.mean).toEqual([0.5, 0.5, 0.5]);
    expect(differing(back, inception)).toEqual([]);
    // Keras averages without the zeros around a map, PyTorch with them.
    expect(back.nodes.find(({ id }) => id === 'Mixed_5b.pool')?.config).toMatchObject({ padding: 'same' });
  });

  it('of VGG are guessed at the input size that is given', async () => {
    const vgg = buildBackbone('keras:vgg16', { classes: 2, inputShape: [32, 32, 3], seed: 6 });
    const about = { fileName: 'it.h5', inputShape: [32, 32, 3] as const };
    const { network } = await readModel(file(await kerasH5Of(vgg, { topology: false })), about);
    expect(network.metadata.architecture).toBe('keras:vgg16');
  });

  it('are read by the names of keras.applications, which are guessed', async () => {
    const back = await read(await kerasH5Of(mobilenet, { topology: false }));
    expect(back.metadata.architecture).toBe('keras:mobilenetv2');
    expect(back.metadata.assumptions).toContainEqual(expect.stringContaining('keras:mobilenetv2'));
    expect(back.metadata.preprocessing.mean).toEqual([0.5, 0.5, 0.5]);
    for (const key of ['block_3_depthwise/kernel', 'bn_Conv1/moving_variance', 'predictions/bias']) {
      expect(kernelOf(back.weights, key)).toEqual(kernelOf(mobilenet.weights, key));
    }
  });

  it('are read in the form of Keras 3, whatever case their names have', async () => {
    const tensors = namedWeights(mobilenet, kerasNaming);
    const back = await read(await numbered(tensors));
    expect(back.nodes).toEqual(mobilenet.nodes);
    expect(kernelOf(back.weights, 'Conv_1/kernel')).toEqual(kernelOf(mobilenet.weights, 'Conv_1/kernel'));
    await expect(read(await numbered(tensors, false))).rejects.toMatchObject({
      code: 'unsupported-format',
      message: expect.stringContaining('early Keras 3'),
    });
  });

  it('of Caffe read blue first, and red first here', async () => {
    const resnet = buildBackbone('keras:resnet50', { classes: 2, inputShape: [32, 32, 3], seed: 1 });
    const back = await read(await kerasH5Of(resnet, { topology: false }), 'resnet50');
    const [stored, turned] = [resnet, back].map(({ weights }) => kernelOf(weights, 'conv1_conv/kernel'));
    expect([...turned.subarray(0, 64)]).toEqual([...stored.subarray(128, 192)]);
    expect([...turned.subarray(64, 128)]).toEqual([...stored.subarray(64, 128)]);
    expect(back.metadata.preprocessing).toMatchObject({ scale: 1, mean: [123.68, 116.779, 103.939], std: [1, 1, 1] });
  });

  it('say what is missing and surplus', async () => {
    const tensors = namedWeights(mobilenet, kerasNaming).filter(([name]) => name !== 'block_2_project/kernel');
    const extra: Tensor = { shape: [1, 1, 1, 1], data: new Float32Array(1) };
    await expect(read(await numbered([...tensors, ['strange/kernel', extra]]), 'mobilenetv2')).rejects.toMatchObject({
      code: 'shape-mismatch',
      message: expect.stringMatching(/lacks block_2_project\/kernel.*strange\/kernel/),
    });
  });
});
