import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import * as tf from '@tensorflow/tfjs';
import { pack } from 'tar-stream';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Network } from '../../core/network/types.ts';
import { referenceForward } from '../../core/network/reference.ts';
import { createRandom } from '../../core/random.ts';
import { toHalf } from './half.ts';
import { read, zip } from './testing.ts';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** The files that tfjs itself saves. */
async function saved(
  model: tf.LayersModel,
): Promise<{ json: Record<string, unknown>; weights: Buffer; specs: tf.io.WeightsManifestEntry[] }> {
  let artifacts: tf.io.ModelArtifacts = {};
  await model.save(
    tf.io.withSaveHandler(async (made) => {
      artifacts = made;
      return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
    }),
  );
  const { modelTopology, weightSpecs: specs = [], weightData } = artifacts;
  const weights = Buffer.from(weightData instanceof ArrayBuffer ? weightData : new ArrayBuffer(0));
  return { json: { format: 'layers-model', modelTopology, weightsManifest: [{ paths: ['w.bin'], weights: specs }] }, weights, specs };
}

async function expectSame(
  network: Network,
  model: tf.LayersModel,
  [height, width]: readonly [number, number],
  tolerance = 1e-5,
): Promise<void> {
  const random = createRandom(3);
  const image = Float32Array.from({ length: height * width * 3 }, () => random.normal());
  const expected = [...(await (model.predict(tf.tensor(image, [1, height, width, 3])) as tf.Tensor).data())];
  const outputs = referenceForward(network, image).get(network.nodes[network.nodes.length - 1].id) ?? new Float32Array();
  expect(outputs.length).toBe(expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  expect(Math.max(...expected.map((value, i) => Math.abs(value - outputs[i]))) / scale).toBeLessThan(tolerance);
}

function sequentialModel(): tf.Sequential {
  return tf.sequential({
    layers: [
      tf.layers.separableConv2d({ inputShape: [9, 8, 3], filters: 6, kernelSize: 3, strides: 2, padding: 'same', activation: 'relu' }),
      tf.layers.batchNormalization({ scale: false, epsilon: 0.01 }),
      tf.layers.depthwiseConv2d({ kernelSize: [2, 3], depthMultiplier: 2, activation: 'relu6' }),
      tf.layers.conv2d({ filters: 5, kernelSize: 2, useBias: false }),
      tf.layers.reLU({ maxValue: 6 }),
      tf.layers.averagePooling2d({ poolSize: 2, strides: 1, padding: 'same' }),
      tf.layers.reshape({ targetShape: [15] }),
      tf.layers.dropout({ rate: 0.5 }),
      tf.layers.dense({ units: 4, activation: 'softmax' }),
    ],
  });
}

/** How MobileNet V1 ends: a vector made a map of one position for a convolution. */
function mobileNetEnd(): tf.Sequential {
  return tf.sequential({
    layers: [
      tf.layers.conv2d({ inputShape: [5, 5, 3], filters: 6, kernelSize: 3 }),
      tf.layers.globalAveragePooling2d({}),
      tf.layers.reshape({ targetShape: [1, 1, 6] }),
      tf.layers.dropout({ rate: 0.1 }),
      tf.layers.conv2d({ filters: 4, kernelSize: 1, padding: 'same', biasInitializer: 'randomNormal' }),
      tf.layers.reshape({ targetShape: [4] }),
      tf.layers.activation({ activation: 'softmax' }),
    ],
  });
}

function functionalModel(): tf.LayersModel {
  const image = tf.input({ shape: [8, 8, 3], name: 'image' });
  const stem = tf.sequential({
    name: 'stem',
    layers: [
      tf.layers.zeroPadding2d({
        inputShape: [8, 8, 3],
        padding: [
          [0, 1],
          [1, 0],
        ],
      }),
      tf.layers.conv2d({ filters: 4, kernelSize: 3, strides: 2, name: 'stem_conv', biasInitializer: 'randomNormal' }),
    ],
  });
  const x = stem.apply(image) as tf.SymbolicTensor;
  const left = tf.layers.conv2d({ filters: 4, kernelSize: 1, name: 'left' }).apply(x) as tf.SymbolicTensor;
  const unused = tf.layers.conv2d({ filters: 2, kernelSize: 1, name: 'unused' }).apply(x) as tf.SymbolicTensor;
  const sum = tf.layers.add().apply([x, left]) as tf.SymbolicTensor;
  const wide = tf.layers.concatenate().apply([sum, left]) as tf.SymbolicTensor;
  const top = tf.layers.activation({ activation: 'relu' }).apply(tf.layers.batchNormalization().apply(wide)) as tf.SymbolicTensor;
  const pooled = tf.layers.globalAveragePooling2d({}).apply(top) as tf.SymbolicTensor;
  expect(unused.shape).toEqual([null, 4, 4, 2]);
  return tf.model({ inputs: image, outputs: tf.layers.dense({ units: 3 }).apply(pooled) as tf.SymbolicTensor });
}

describe('tfjs LayersModels of others', () => {
  it('computes what tfjs does: Sequential, in a folder of a zip', async () => {
    const model = sequentialModel();
    const { json, weights } = await saved(model);
    const network = await read(await zip({ 'm/readme.txt': 'x', 'm/model.json': JSON.stringify(json), 'm/w.bin': weights }));
    await expectSame(network, model, [9, 8]);
    expect(network.metadata).toMatchObject({ name: 'it', assumptions: [expect.stringContaining('0…1')] });
    expect(network.nodes.map(({ kind }) => kind)).toContain('Softmax');
  });

  it('computes what tfjs does: Functional with a nested model, in a tar.gz with two shards', async () => {
    const model = functionalModel();
    const { json, weights, specs } = await saved(model);
    const packer = pack();
    packer.entry({ name: 'w1.bin' }, weights.subarray(0, 50));
    packer.entry({ name: './model.json' }, JSON.stringify({ ...json, weightsManifest: [{ paths: ['w1.bin', 'w2.bin'], weights: specs }] }));
    packer.entry({ name: 'w2.bin' }, weights.subarray(50));
    packer.finalize();
    const network = await read(gzipSync(await buffer(packer as unknown as AsyncIterable<Uint8Array>)));
    await expectSame(network, model, [8, 8]);
    expect(network.nodes.map(({ id }) => id)).not.toContain('unused');
  });

  it('takes a convolution of one position as Dense', async () => {
    const model = mobileNetEnd();
    const { json, weights } = await saved(model);
    const network = await read(await zip({ 'model.json': JSON.stringify(json), 'w.bin': weights }));
    await expectSame(network, model, [5, 5]);
    expect(network.nodes.map(({ kind }) => kind)).toContain('Dense');
  });

  it('decodes quantised weights', async () => {
    const model = sequentialModel();
    const { json, weights, specs } = await saved(model);
    const floats = new Float32Array(Uint8Array.from(weights).buffer);
    const [min, max] = [Math.min(...floats), Math.max(...floats)];
    const quantised = (levels: number) => floats.map((value) => ((value - min) / (max - min)) * levels).map(Math.round);
    const stored = {
      float16: { bytes: toHalf(floats), tolerance: 1e-2 },
      uint16: { bytes: Uint16Array.from(quantised(65535)), tolerance: 1e-3, scale: (max - min) / 65535, min },
      uint8: { bytes: Uint8Array.from(quantised(255)), tolerance: 0.2, scale: (max - min) / 255, min },
    };
    for (const [dtype, { bytes, tolerance, ...range }] of Object.entries(stored)) {
      const manifest = [{ paths: ['w.bin'], weights: specs.map((spec) => ({ ...spec, quantization: { dtype, ...range } })) }];
      const packed = Buffer.from(bytes.buffer);
      const network = await read(await zip({ 'model.json': JSON.stringify({ ...json, weightsManifest: manifest }), 'w.bin': packed }));
      await expectSame(network, model, [9, 8], tolerance);
    }
  });

  it('takes a Rescaling layer as preprocessing', async () => {
    const { json, weights } = await saved(
      tf.sequential({ layers: [tf.layers.flatten({ inputShape: [2, 2, 3] }), tf.layers.dense({ units: 2 })] }),
    );
    const text = JSON.stringify(json).replace(
      '{"class_name":"Flatten"',
      '{"class_name":"Rescaling","config":{"name":"r","scale":0.0078125,"offset":-1,"batch_input_shape":[null,2,2,3]}},{"class_name":"Flatten"',
    );
    const { metadata } = await read(await zip({ 'model.json': text, 'w.bin': weights }));
    expect(metadata.preprocessing).toMatchObject({ scale: 1 / 128, mean: [1, 1, 1], std: [1, 1, 1] });
    expect(metadata.assumptions).toEqual([expect.stringContaining('0…255')]);
  });

  it('refuses what it cannot compute, by layer and class', async () => {
    const head = () => [tf.layers.flatten(), tf.layers.dense({ units: 2 })];
    const refused: [tf.layers.Layer[], string][] = [
      [[tf.layers.conv2d({ inputShape: [4, 4, 3], filters: 2, kernelSize: 1, activation: 'selu', name: 'c' }), ...head()], '"c"'],
      [[tf.layers.upSampling2d({ inputShape: [4, 4, 3], size: [2, 2], name: 'up' }), ...head()], '"up" \\(UpSampling2D\\)'],
      [[tf.layers.conv2d({ inputShape: [4, 4, 2], filters: 2, kernelSize: 1 }), ...head()], 'not that of images'],
    ];
    for (const [layers, message] of refused) {
      const { json, weights } = await saved(tf.sequential({ layers }));
      const bytes = await zip({ 'model.json': JSON.stringify(json), 'w.bin': weights });
      await expect(read(bytes)).rejects.toMatchObject({ code: 'unsupported-layer', message: expect.stringMatching(message) });
    }
  });

  it('refuses files that do not fit together', async () => {
    const { json, weights, specs } = await saved(functionalModel());
    const text = JSON.stringify(json);
    const nan = Buffer.from(weights);
    nan.writeFloatLE(Number.NaN, 0);
    const manifest = (changed: unknown[]) => JSON.stringify({ ...json, weightsManifest: [{ paths: ['w.bin'], weights: changed }] });
    const bad: [Record<string, string | Uint8Array>, string][] = [
      [{ 'model.json': text }, 'malformed-file'],
      [{ 'model.json': '{', 'w.bin': weights }, 'malformed-file'],
      [{ 'model.json': '{"a":1}', 'w.bin': weights }, 'malformed-file'],
      [{ 'model.json': text, 'a/model.json': text, 'w.bin': weights }, 'malformed-file'],
      [{ 'model.json': text, 'w.bin': weights.subarray(4) }, 'malformed-file'],
      [{ 'model.json': text, 'w.bin': Buffer.concat([weights, weights]) }, 'malformed-file'],
      [{ 'model.json': text, 'w.bin': nan }, 'non-finite-weights'],
      [{ 'model.json': manifest(specs.slice(0, -1)), 'w.bin': weights.subarray(0, -12) }, 'malformed-file'],
      [{ 'model.json': manifest(specs.map((spec) => ({ ...spec, dtype: 'string' }))), 'w.bin': weights }, 'unsupported-format'],
      [{ 'model.json': manifest(specs.map((spec) => ({ ...spec, shape: [2 ** 40] }))), 'w.bin': weights }, 'malformed-file'],
      [{ 'model.json': text.replaceAll('"left"', '"right"'), 'w.bin': weights }, 'malformed-file'],
      [{ 'model.json': text.replace('"layers-model"', '"graph-model"'), 'w.bin': weights }, 'malformed-file'],
      [{ 'a.png': 'x' }, 'unsupported-format'],
      [{ 'archive/data.pkl': 'x' }, 'unsupported-format'],
    ];
    for (const [entries, code] of bad) {
      await expect(read(await zip(entries)), Object.keys(entries).join()).rejects.toMatchObject({ code });
    }
  });
});
