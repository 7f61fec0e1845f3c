import { describe, expect, it } from 'vitest';
import { buildBackbone } from '../../backbones/index.ts';
import { networkHash } from '../network.ts';
import { networks, pruned } from './networks.fixture.ts';
import { parseSafetensors } from './safetensors.ts';
import { writeSafetensorsModel } from './safetensors-model.ts';
import { read } from './testing.ts';

const shapesOf = (bytes: Uint8Array): Record<string, readonly number[]> =>
  Object.fromEntries([...parseSafetensors(bytes, 'it').tensors].map(([name, { shape }]) => [name, shape]));

describe('safetensors for others', () => {
  it("have torchvision's names, order and shapes", () => {
    const shapes = shapesOf(writeSafetensorsModel(buildBackbone('resnet18', { classes: 5, seed: 1 })));
    expect(Object.keys(shapes).slice(0, 6)).toEqual(
      'conv1.weight bn1.weight bn1.bias bn1.running_mean bn1.running_var layer1.0.conv1.weight'.split(' '),
    );
    expect(shapes).toMatchObject({ 'conv1.weight': [64, 3, 7, 7], 'layer2.0.downsample.0.weight': [128, 64, 1, 1], 'fc.weight': [5, 512] });
  });

  it("keep ConvNeXt's linear layers and factors in the shapes of each library", () => {
    const block = 'features.1.0.';
    const torchvision = shapesOf(writeSafetensorsModel(buildBackbone('convnext_tiny', { classes: 2, seed: 1 })));
    expect(torchvision).toMatchObject({
      [`${block}block.3.weight`]: [384, 96],
      [`${block}layer_scale`]: [96, 1, 1],
      [`${block}block.0.weight`]: [96, 1, 7, 7],
      'features.2.1.weight': [192, 96, 2, 2],
    });
    const timm = shapesOf(writeSafetensorsModel(buildBackbone('timm:convnext_tiny', { classes: 2, seed: 1 })));
    expect(timm).toMatchObject({ 'stages.0.blocks.0.mlp.fc1.weight': [384, 96], 'stages.0.blocks.0.gamma': [96] });
  });

  it('say architecture, classes and normalisation', () => {
    const network = networks['vgg-small'];
    const { metadata } = parseSafetensors(writeSafetensorsModel(network), 'it');
    expect(metadata).toMatchObject({ format: 'pt', architecture: 'vgg-small', classes: '["a","b","c"]' });
    expect(JSON.parse(metadata.normalisation)).toEqual(network.metadata.preprocessing);
  });

  it.each(Object.entries(networks))('%s reads back as it was', async (_name, network) => {
    expect(networkHash(await read(writeSafetensorsModel(network)))).toBe(networkHash(network));
  });

  // A flattened map, whose features PyTorch has in another order, among them.
  it.each(['cifar-resnet20', 'custom-cnn', 'mobilenet_v3_small', 'shufflenet_v2_x0_5'])(
    'a pruned %s has the same names and reads back as it was',
    async (name) => {
      const [network, smaller] = [networks[name], pruned(networks[name])];
      const bytes = writeSafetensorsModel(smaller);
      expect(networkHash(smaller)).not.toBe(networkHash(network));
      expect(Object.keys(shapesOf(bytes))).toEqual(Object.keys(shapesOf(writeSafetensorsModel(network))));
      expect(networkHash(await read(bytes))).toBe(networkHash(smaller));
    },
  );

  it('have names of their own where a network is of no architecture, or changed', () => {
    const foreign = networks['irregular maps, groups and odd names'];
    expect(Object.keys(shapesOf(writeSafetensorsModel(foreign)))[0]).toBe('a b/bias');
    const changed = { ...foreign, metadata: { ...foreign.metadata, architecture: 'resnet18' } };
    expect(Object.keys(shapesOf(writeSafetensorsModel(changed)))[0]).toBe('a b/bias');
  });
});
