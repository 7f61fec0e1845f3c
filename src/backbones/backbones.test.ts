import { existsSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { Network, Tensor } from '../core/network/types.ts';
import { costOf, inferShapes, inputShapesOf, layerOf, validateNetwork } from '../core/network/index.ts';
import { architectures, buildBackbone, familyOf, loadWeights, topologyOf, torchNaming } from './index.ts';

const golden = join(import.meta.dirname, '../../../shared/golden');
const small = [
  'cifar-resnet20',
  'cifar-resnet32',
  'cifar-resnet56',
  'vgg-small',
  'squeezenet-small',
  'mobilenetv2-small',
  'custom-cnn',
  'densenet-small',
];

const published: Readonly<Record<string, number>> = {
  resnet34: 21_797_672,
  resnet101: 44_549_160,
  resnet152: 60_192_808,
  resnext101_32x8d: 88_791_336,
  resnext101_64x4d: 83_455_272,
  wide_resnet50_2: 68_883_240,
  wide_resnet101_2: 126_886_696,
  vgg11: 132_863_336,
  vgg11_bn: 132_868_840,
  vgg13: 133_047_848,
  vgg13_bn: 133_053_736,
  vgg16_bn: 138_365_992,
  vgg19: 143_667_240,
  squeezenet1_0: 1_248_424,
  mobilenet_v3_large: 5_483_032,
  efficientnet_b1: 7_794_184,
  efficientnet_b2: 9_109_994,
  efficientnet_b3: 12_233_232,
  efficientnet_b4: 19_341_616,
  mnasnet0_5: 2_218_512,
  mnasnet0_75: 3_170_208,
  mnasnet1_3: 6_282_256,
  densenet161: 28_681_000,
  densenet169: 14_149_480,
  densenet201: 20_013_928,
  shufflenet_v2_x0_5: 1_366_792,
  shufflenet_v2_x1_5: 3_503_624,
  shufflenet_v2_x2_0: 7_393_996,
  regnet_x_400mf: 5_495_976,
  regnet_x_800mf: 7_259_656,
  regnet_x_1_6gf: 9_190_136,
  regnet_x_3_2gf: 15_296_552,
  regnet_x_8gf: 39_572_648,
  regnet_x_16gf: 54_278_536,
  regnet_x_32gf: 107_811_560,
  regnet_y_400mf: 4_344_144,
  regnet_y_800mf: 6_432_512,
  regnet_y_1_6gf: 11_202_430,
  regnet_y_3_2gf: 19_436_338,
  regnet_y_8gf: 39_381_472,
  regnet_y_16gf: 83_590_140,
  regnet_y_32gf: 145_046_770,
  convnext_small: 50_223_688,
  convnext_base: 88_591_464,
  convnext_large: 197_767_336,
  'timm:mobilenetv1_100': 4_231_976,
  'timm:mobilenetv2_050': 1_968_680,
  'timm:mobilenetv2_100': 3_504_872,
  'timm:mobilenetv3_small_100': 2_542_856,
  'timm:mobilenetv3_large_100': 5_483_032,
  'timm:efficientnet_b4': 19_341_616,
  'timm:mnasnet_100': 4_383_312,
  'timm:regnetx_004': 5_157_512,
  'timm:regnetx_040': 22_118_248,
  'timm:regnety_008': 6_263_168,
  'timm:regnety_040': 20_646_656,
  'timm:convnext_tiny': 28_589_128,
  // Trainable ones, as Keras's summaries say.
  'keras:resnet50': 25_583_592,
  'keras:vgg16': 138_357_544,
  'keras:mobilenet': 4_231_976,
  'keras:mobilenetv2': 3_504_872,
  'keras:efficientnetb0': 5_288_548,
  'keras:densenet121': 7_978_856,
};

describe('the catalogue', () => {
  it('gives every architecture one id and one output of its classes', () => {
    const all = architectures();
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    for (const { id } of all) {
      const { nodes } = topologyOf(id, { classes: 7 });
      expect(inferShapes(nodes).get(nodes[nodes.length - 1].id), id).toEqual([7]);
    }
  });

  it('has the costs that are published', () => {
    const costs = new Map(architectures().map(({ id, ...cost }) => [id, cost]));
    // METHOD.md §6 counts convolutions only: 40.55 M and 125.49 M; the classifier adds 640.
    expect(((costs.get('cifar-resnet20')?.macs ?? 0) - 640) / 1e6).toBeCloseTo(40.55, 2);
    expect(((costs.get('cifar-resnet56')?.macs ?? 0) - 640) / 1e6).toBeCloseTo(125.49, 2);
    expect(costs.get('cifar-resnet20')?.params).toBe(269_722);
    expect(costs.get('cifar-resnet56')?.params).toBe(853_018);
  });

  // What torchvision and timm say of the members that have no reference file.
  it.each(Object.entries(published))('%s has as many parameters as published', (id, params) => {
    expect(costOf(topologyOf(id).nodes).params).toBe(params);
  });

  it('has MobileNetV2 of any width', () => {
    const params = (id: string): number => costOf(topologyOf(id).nodes).params;
    expect(params('mobilenet_v2_050')).toBe(published['timm:mobilenetv2_050']);
    expect(params('mobilenet_v2_100')).toBe(params('mobilenet_v2'));
    expect(params('mobilenet_v2_130')).toBe(params('timm:mobilenetv2_130'));
    expect(familyOf('timm:mobilenetv2_130')).toBe('mobilenetv2');
    expect(() => topologyOf('mobilenet_v2_000')).toThrow('There is no architecture "mobilenet_v2_000"');
  });

  it.each(small.slice(3))('%s trains fast', (id) => {
    const { macs, params } = costOf(topologyOf(id).nodes);
    expect(macs).toBeLessThan(40e6);
    expect(params).toBeLessThan(0.9e6);
  });

  it('keeps the small ones small together', () => {
    const bytes = small.reduce((sum, id) => sum + 2 * costOf(topologyOf(id).nodes).params, 0);
    expect(bytes).toBeLessThan(7e6);
  });

  it.each(small.filter((id) => id !== 'custom-cnn'))('%s takes other input sizes', (id) => {
    validateNetwork(buildBackbone(id, { classes: 3, inputShape: [49, 40, 3], seed: 1 }));
  });

  it.each([
    [
      'timm:regnety_004',
      ['stem.conv', 'stem.bn', 's1.b1.conv1.conv', 's2.b1.se.fc2', 's4.b6.conv3.bn', 's2.b1.downsample.conv', 'head.fc'],
    ],
    [
      'timm:convnext_tiny',
      ['stem.0', 'stages.0.blocks.0.mlp.fc1', 'stages.1.downsample.1', 'stages.3.blocks.2.gamma', 'head.norm', 'head.fc'],
    ],
    [
      'timm:mobilenetv3_small_100',
      ['conv_stem', 'blocks.0.0.se.conv_reduce', 'blocks.1.0.conv_pwl', 'blocks.5.0.conv', 'conv_head', 'classifier'],
    ],
    ['timm:vgg11_bn', ['features.0', 'features.1', 'features.25', 'pre_logits.fc1', 'pre_logits.fc2', 'head.fc']],
    ['timm:resnet18', ['conv1', 'layer2.0.downsample.0', 'fc']],
    ['keras:resnet50', ['conv1_conv', 'conv2_block1_0_conv', 'conv3_block4_2_bn', 'conv5_block3_3_conv', 'predictions']],
    ['keras:vgg19', ['block1_conv1', 'block3_conv4', 'block5_conv4', 'fc1', 'fc2', 'predictions']],
    ['keras:mobilenet', ['conv1', 'conv1_bn', 'conv_dw_1', 'conv_pw_13_bn', 'conv_preds']],
    ['keras:mobilenetv2', ['Conv1', 'expanded_conv_depthwise', 'expanded_conv_project_BN', 'block_16_expand_BN', 'Conv_1_bn']],
    ['keras:mobilenetv3small', ['conv', 'expanded_conv_squeeze_excite_conv_1', 'expanded_conv_10_project_bn', 'conv_2', 'logits']],
    ['keras:efficientnetb0', ['stem_conv', 'block1a_dwconv', 'block2a_expand_bn', 'block7a_se_expand', 'top_bn', 'predictions']],
    ['keras:densenet121', ['conv1_conv', 'conv2_block1_0_bn', 'conv5_block16_2_conv', 'pool2_bn', 'pool4_conv', 'bn', 'predictions']],
    [
      'keras:convnext_tiny',
      ['stem_conv', 'downsampling_layernorm_0', 'stage_2_block_8_pointwise_conv_2', 'stage_0_block_0_layer_scale', 'head_dense'].map(
        (name) => `convnext_tiny_${name}`,
      ),
    ],
  ])('%s has the names of its library', (id, names) => {
    const ids = topologyOf(id).nodes.map((node) => node.id);
    expect(names.filter((name) => !ids.includes(name))).toEqual([]);
  });

  it("keeps the normalisation that torchvision's Inception weights expect", () => {
    expect(topologyOf('inception_v3').metadata.preprocessing).toMatchObject({ mean: [0.5, 0.5, 0.5], std: [0.5, 0.5, 0.5] });
    expect(topologyOf('resnet18').metadata.preprocessing.mean[0]).toBe(0.485);
  });

  it('names the nearest architectures', () => {
    expect(() => buildBackbone('cifar-resnet21', { seed: 1 })).toThrow(
      expect.objectContaining({ code: 'unknown-architecture', hint: expect.stringContaining('cifar-resnet20') }),
    );
  });
});

describe('buildBackbone', () => {
  it('is the same for a seed and another for another', () => {
    const [a, b, c] = [3, 3, 4].map((seed) => buildBackbone('vgg-small', { classNames: ['a', 'b'], seed }));
    const values = (network: Network): Float32Array | undefined => network.weights.get('features.3/kernel')?.data;
    expect(values(a)).toEqual(values(b));
    expect(values(a)).not.toEqual(values(c));
    expect(a.metadata.classNames).toEqual(['a', 'b']);
  });

  it('draws kernels with the variance of He', () => {
    const { weights } = buildBackbone('mobilenetv2-small', { seed: 5 });
    const deviation = (key: string): number => {
      const data = weights.get(key)?.data ?? new Float32Array();
      return Math.sqrt(data.reduce((sum, value) => sum + value * value, 0) / data.length);
    };
    expect(deviation('features.10.0/kernel') / Math.sqrt(2 / 64)).toBeCloseTo(1, 1);
    expect(deviation('features.9.conv.1.0/kernel') / Math.sqrt(2 / 9)).toBeCloseTo(1, 1);
    expect(deviation('classifier.1/kernel')).toBeCloseTo(0.01, 2);
  });
});

describe('loadWeights', () => {
  const topology = topologyOf('custom-cnn', { classes: 3, inputShape: [8, 8, 3] });

  /** A checkpoint whose values are their own index, named and laid out as PyTorch does. */
  function checkpoint(): Map<string, Tensor> {
    const { weights } = buildBackbone('custom-cnn', { classes: 3, inputShape: [8, 8, 3], seed: 1 });
    const torch: Record<string, string> = { kernel: 'weight', bias: 'bias', gamma: 'weight', beta: 'bias', moving_mean: 'running_mean' };
    return new Map(
      [...weights].map(([key, { shape, data }]) => {
        const [id, name] = key.split('/');
        const stored = shape.length === 4 ? [shape[3], shape[2], shape[0], shape[1]] : shape.toReversed();
        return [`${id}.${torch[name] ?? 'running_var'}`, { shape: stored, data: data.map((_, i) => i) }];
      }),
    );
  }

  it('turns OIHW into HWIO and channels-first flattening into channels-last', () => {
    const { weights } = loadWeights(topology, checkpoint(), torchNaming);
    const conv = weights.get('features.3/kernel');
    // ours [y=1, x=2, i=5, o=7] of (3, 3, 32, 32) is stored at [7, 5, 1, 2] of (32, 32, 3, 3).
    expect(conv?.data[((1 * 3 + 2) * 32 + 5) * 32 + 7]).toBe(((7 * 32 + 5) * 3 + 1) * 3 + 2);
    // The last map is 1×1×128 here, so look at a wider one.
    const wide = topologyOf('custom-cnn', { classes: 3, inputShape: [16, 24, 3] });
    const units = 256;
    const stored: Tensor = { shape: [units, 2 * 3 * 128], data: Float32Array.from({ length: units * 768 }, (_, i) => i) };
    const dense = loadWeights(wide, new Map([...checkpoint(), ['classifier.0.weight', stored]]), torchNaming).weights.get(
      'classifier.0/kernel',
    );
    // ours [(y=1, x=2, c=9), unit=4] is stored at [4, c=9, y=1, x=2].
    expect(dense?.data[((1 * 3 + 2) * 128 + 9) * units + 4]).toBe(4 * 768 + (9 * 2 + 1) * 3 + 2);
  });

  it('names the first tensor that is missing, mis-shaped or surplus, and skips batch counters', () => {
    const failing = (change: (tensors: Map<string, Tensor>) => void) => () => {
      const tensors = checkpoint();
      change(tensors);
      loadWeights(topology, tensors, torchNaming);
    };
    const one: Tensor = { shape: [1], data: new Float32Array(1) };
    expect(failing((tensors) => tensors.set('features.1.num_batches_tracked', one))).not.toThrow();
    expect(failing((tensors) => tensors.delete('features.1.bias'))).toThrow(/"features.1.bias" is missing/);
    expect(failing((tensors) => tensors.set('features.1.bias', one))).toThrow(/"features.1.bias" has shape \[1\] instead of \[32\]/);
    expect(failing((tensors) => tensors.set('extra', one))).toThrow(/"extra" belongs to no layer/);
  });
});

interface Golden {
  readonly name: string;
  readonly input: readonly [number, number, number];
  readonly macs: number;
  readonly params: number;
  readonly tensors: readonly (readonly [string, readonly number[]])[];
}

/** A linear layer of every position is a 1×1 convolution here, so axes of one do not count. */
const plain = (shape: readonly number[]): number[] => shape.filter((side) => side !== 1);

describe.skipIf(!existsSync(golden))('the reference files (needs ../shared/golden)', () => {
  const files = existsSync(golden) ? readdirSync(golden).filter((file) => file.endsWith('.json')) : [];
  it.each(files)('%s has its MACs, parameters and tensors', (file) => {
    const { name, input, macs, params, tensors } = JSON.parse(readFileSync(join(golden, file), 'utf8')) as Golden;
    const { nodes } = topologyOf(name, { inputShape: input });
    expect(costOf(nodes)).toMatchObject({ macs, params });
    const shapes = inferShapes(nodes);
    const named = nodes.flatMap((node) =>
      layerOf(node.kind)
        .weights(node, inputShapesOf(node, shapes))
        .map(({ name, shape }): [string, number[]] => [
          torchNaming.nameOf(node, name),
          plain(torchNaming.layoutOf(node.kind, shape, undefined).storedShape),
        ]),
    );
    expect(new Map(named)).toEqual(new Map(tensors.map(([name, shape]) => [name, plain(shape)])));
  });
});
