import { File, ready } from 'h5wasm';
import { describe, expect, it } from 'vitest';
import { buildBackbone, kerasNaming, namedWeights } from '../../backbones/index.ts';
import type { Tensor } from '../../core/network/types.ts';
import { readModel } from './index.ts';
import { kerasH5Of } from './keras-h5.fixture.ts';
import { file } from './testing.ts';

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
    const kind = has('gamma') ? 'batch_normalization' : weights[0][1].shape.length === 2 ? 'dense' : 'conv2d';
    const folder = `layers/${kind}_${count++}`;
    out.create_group(folder);
    const vars = out.create_group(`${folder}/vars`);
    if (named) vars.create_attribute('name', layer);
    for (const [i, [, { shape, data }]] of weights.entries())
      vars.create_dataset({ name: String(i), data, shape: [...shape], dtype: '<f4' });
  }
  out.close();
  const bytes = FS.readFile('/numbered.h5');
  FS.unlink('/numbered.h5');
  return bytes;
}

describe('Keras weights alone', () => {
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
