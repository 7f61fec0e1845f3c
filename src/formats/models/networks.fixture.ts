import type { Network, Node } from '../../core/network/types.ts';
import { buildBackbone } from '../../backbones/index.ts';
import {
  add,
  channelMap,
  conv,
  dense,
  depthwise,
  flatten,
  input,
  norm,
  withRandomWeights,
  relu,
  softmax,
} from '../../core/network/testing.ts';
import { cut, dependencyGroups } from '../../core/prune/index.ts';
import { createRandom } from '../../core/random.ts';

/** Moving statistics and scales as training leaves them, so that BatchNormalization does something. */
function seasoned(network: Network): Network {
  const random = createRandom(7);
  const weights = new Map(
    [...network.weights].map(([key, tensor]) => {
      const drawn = (): number => (/variance|gamma/.test(key) ? 0.5 + random.next() : 0.3 * random.normal());
      return [key, tensor.shape.length > 1 ? tensor : { ...tensor, data: tensor.data.map(drawn) }] as const;
    }),
  );
  return { ...network, weights };
}

/** The network without every third channel of every group. */
export function pruned(network: Network): Network {
  const groups = dependencyGroups(network)
    .filter(({ locked, size }) => locked === undefined && size > 1)
    .map(({ id, size }) => ({ id, channels: size, removed: Array.from({ length: Math.floor(size / 3) }, (_, i) => 3 * i) }));
  return cut(network, { groups });
}

/** Networks that between them have every kind of layer, for the exports. */
export const networks: Record<string, Network> = Object.fromEntries(
  ['cifar-resnet20', 'mobilenetv2-small', 'squeezenet-small', 'vgg-small', 'custom-cnn', 'mobilenet_v3_small', 'shufflenet_v2_x0_5'].map(
    (id) => [id, seasoned(buildBackbone(id, { classNames: ['a', 'b', 'c'], inputShape: [16, 16, 3], seed: 2 }))],
  ),
);
networks['irregular maps, groups and odd names'] = withRandomWeights(
  [
    input([7, 6, 3]),
    conv('a b', 'input', 8, { stride: 2, useBias: true }),
    norm('layer_1', 'a b'),
    channelMap('gather', 'layer_1', [3, -1, 1, 7, 7, -1, 0, 2, 5, -1, 4, 6], [1, 1]),
    channelMap('identity', 'gather', [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11], [1, 1]),
    conv('grouped', 'identity', 12, { groups: 3, useBias: true }),
    relu('relu/é', 'grouped'),
    depthwise('deep__wise', 'relu/é', { depthMultiplier: 2, useBias: true, padding: 'valid', kernelSize: [3, 2] }),
    channelMap('padded', 'identity', [-1, -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, ...Array.from({ length: 10 }, () => -1)], [3, 2]),
    conv('shrunk', 'deep__wise', 24, { size: 2, padding: 'valid', dilationRate: [1, 1] }),
    flatten('f1', 'padded'),
    flatten('f2', 'shrunk'),
    dense('d1', 'f1', 4),
    dense('d2', 'f2', 4),
    add('sum', 'd1', 'd2'),
    softmax('softmax', 'sum'),
  ],
  3,
);

networks['gates, activations, shuffles and layer norms'] = withRandomWeights(
  [
    input([6, 5, 3]),
    conv('c', 'input', 8, { useBias: true }),
    ...(['sigmoid', 'hard_sigmoid', 'swish', 'hard_swish', 'gelu'] as const).map((activation, i): Node => ({
      id: activation,
      kind: 'Activation',
      inputs: [i === 0 ? 'c' : ['sigmoid', 'hard_sigmoid', 'swish', 'hard_swish'][i - 1]],
      config: { activation },
    })),
    { id: 'squeeze', kind: 'AveragePooling2D', inputs: ['c'], config: { poolSize: [6, 5], strides: [6, 5], padding: 'valid' } },
    { id: 'scaled', kind: 'Multiply', inputs: ['gelu', 'squeeze'], config: {} },
    { id: 'shuffled', kind: 'ChannelGather', inputs: ['c'], config: { indices: [0, 4, 1, 5, 2, 6, 3, 7] } },
    { id: 'normed', kind: 'LayerNormalization', inputs: ['shuffled'], config: { epsilon: 1e-6 } },
    { id: 'layer_scale', kind: 'LayerScale', inputs: ['normed'], config: {} },
    add('sum', 'scaled', 'layer_scale'),
    { id: 'slice', kind: 'ChannelGather', inputs: ['sum'], config: { indices: [2, 3, 4, 5] } },
    { id: 'picked', kind: 'ChannelGather', inputs: ['sum'], config: { indices: [7, 0, 0, 3] } },
    add('both', 'slice', 'picked'),
    { id: 'pool', kind: 'GlobalAveragePooling2D', inputs: ['both'], config: {} },
    { id: 'norm', kind: 'LayerNormalization', inputs: ['pool'], config: { epsilon: 1e-6 } },
    dense('d', 'norm', 3),
  ],
  4,
);
