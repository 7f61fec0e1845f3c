import type { Kind, Preprocessing } from '../core/network/types.ts';
import { DEFAULT_PREPROCESSING, imagenet, SYMMETRIC_PREPROCESSING, type Blueprint } from './blueprint.ts';
import { convnexts } from './convnext.ts';
import { densenets } from './densenet.ts';
import { efficientnets } from './efficientnet.ts';
import { createGraph, type Graph } from './graph.ts';
import { inceptions } from './inception.ts';
import { mobilenets } from './mobilenet.ts';
import { resnet } from './resnet.ts';
import { timmMobileNets } from './timm.ts';
import { vgg, vggStages } from './vgg.ts';
import type { WeightNaming } from './weights.ts';

/** ImageNet's mean taken from pixels 0…255; the weights of Caffe's models expect blue first. */
const CAFFE: Preprocessing = { ...DEFAULT_PREPROCESSING, scale: 1, mean: [123.68, 116.779, 103.939], std: [1, 1, 1] };

/** The epsilon of BatchNormalization in Keras's first networks, and in its later ones. */
const EPSILON = 1.001e-5;
const WIDE_EPSILON = 1e-3;

const laysOf = (blueprints: readonly Blueprint[], id: string): Blueprint['lay'] => {
  const found = blueprints.find((blueprint) => blueprint.id === id);
  if (!found) throw new Error(`no blueprint ${id}`);
  return found.lay;
};

type Own = Pick<Blueprint, 'lay' | 'rename' | 'style' | 'preprocessing' | 'bgr'>;

const blueprint = (id: string, family: string, title: string, own: Own, side?: number): Blueprint =>
  imagenet({ id: `keras:${id}`, family, description: `${title} as in keras.applications`, ...own }, side);

const resnets = Object.entries({ resnet50: [3, 4, 6, 3], resnet101: [3, 4, 23, 3], resnet152: [3, 8, 36, 3] }).map(([id, repeats]) =>
  blueprint(id, 'resnet', `ResNet-${id.slice(6)} v1 (He 2016)`, {
    lay: (graph: Graph, classes) =>
      resnet(
        graph,
        { block: 'bottleneck', repeats, width: 64, stem: 'imagenet', shortcut: 'projection', head: 'predictions', keras: true },
        classes,
      ),
    rename: (given) =>
      given
        .replace(/^conv1$/, 'conv1_conv')
        .replace(/^bn1$/, 'conv1_bn')
        .replace(/^layer(\d)\.(\d+)\./, (_, stage: string, n: string) => `conv${Number(stage) + 1}_block${Number(n) + 1}_`)
        .replace(/downsample\.0$/, '0_conv')
        .replace(/downsample\.1$/, '0_bn')
        .replace(/_(conv|bn)(\d)$/, '_$2_$1'),
    style: { epsilon: EPSILON },
    preprocessing: CAFFE,
    bgr: true,
  }),
);

const vggCounts = { vgg16: [2, 2, 3, 3, 3], vgg19: [2, 2, 4, 4, 4] };

const vggs = Object.entries(vggCounts).map(([id, counts]) => {
  const names = new Map<string, string>();
  // Each convolution has its ReLU after it, each stage a pooling.
  let at = 0;
  for (const [stage, count] of counts.entries()) {
    for (let n = 1; n <= count; n++, at += 2) names.set(`features.${at}`, `block${stage + 1}_conv${n}`);
    names.set(`features.${at++}`, `block${stage + 1}_pool`);
  }
  for (const [n, name] of ['fc1', 'fc2', 'predictions'].entries()) names.set(`classifier.${2 * n}`, name);
  const spec = {
    stages: vggStages(...counts),
    batchNormalization: false,
    useBias: true,
    pool: 'flatten',
    hidden: [4096, 4096],
    dropout: 0,
  } as const;
  return blueprint(id, 'vgg', `VGG-${id.slice(3)} (Simonyan & Zisserman 2015)`, {
    lay: (graph: Graph, classes) => vgg(graph, spec, classes),
    rename: (given) => names.get(given) ?? given,
    preprocessing: CAFFE,
    bgr: true,
  });
});

/** Blocks of each of MobileNetV1's stages, which Keras numbers on. */
const V1_REPEATS = [1, 2, 2, 6, 2];

const mobilenetV1 = blueprint('mobilenet', 'mobilenetv1', 'MobileNet of width 1 (Howard 2017)', {
  lay: laysOf(timmMobileNets, 'timm:mobilenetv1_100'),
  rename(given) {
    const [, stage, n, part] = /^blocks\.(\d)\.(\d)\.(.*)$/.exec(given) ?? [];
    if (stage === undefined) return { conv_stem: 'conv1', bn1: 'conv1_bn', classifier: 'conv_preds' }[given] ?? given;
    const at = V1_REPEATS.slice(0, Number(stage)).reduce((sum, repeats) => sum + repeats, 1) + Number(n);
    const names: Readonly<Record<string, string>> = {
      conv_dw: `conv_dw_${at}`,
      bn1: `conv_dw_${at}_bn`,
      conv_pw: `conv_pw_${at}`,
      bn2: `conv_pw_${at}_bn`,
    };
    return names[part] ?? given;
  },
  style: { epsilon: WIDE_EPSILON, same: true },
  preprocessing: SYMMETRIC_PREPROCESSING,
});

/** Parts of a block in their order, without the expansion where a block has none. */
const partOf = (parts: readonly string[], hasExpansion: boolean, at: number): string => parts[hasExpansion ? at : at + 1];

const mobilenetV2 = blueprint('mobilenetv2', 'mobilenetv2', 'MobileNetV2 of width 1 (Sandler 2018)', {
  lay: laysOf(mobilenets, 'mobilenet_v2'),
  rename(given) {
    const plain = {
      'features.0.0': 'Conv1',
      'features.0.1': 'bn_Conv1',
      'features.18.0': 'Conv_1',
      'features.18.1': 'Conv_1_bn',
      'classifier.1': 'predictions',
    };
    const [, block, part, inner] = /^features\.(\d+)\.conv\.(\d)(?:\.(\d))?$/.exec(given) ?? [];
    if (block === undefined) return plain[given as keyof typeof plain] ?? given;
    const prefix = block === '1' ? 'expanded_conv' : `block_${Number(block) - 1}`;
    const hasExpansion = block !== '1';
    const isNorm = inner === '1' || (inner === undefined && Number(part) === (hasExpansion ? 3 : 2));
    const name = inner === undefined ? 'project' : partOf(['expand', 'depthwise'], hasExpansion, Number(part));
    return inner === '2' ? given : `${prefix}_${name}${isNorm ? '_BN' : ''}`;
  },
  style: { epsilon: WIDE_EPSILON, same: true },
  preprocessing: SYMMETRIC_PREPROCESSING,
});

const mobilenetV3s = (['small', 'large'] as const).map((size) =>
  blueprint(`mobilenetv3${size}`, 'mobilenetv3', `MobileNetV3 ${size} (Howard 2019)`, {
    lay: laysOf(mobilenets, `mobilenet_v3_${size}`),
    rename(given) {
      const last = size === 'small' ? 12 : 16;
      const plain: Readonly<Record<string, string>> = {
        'features.0.0': 'conv',
        'features.0.1': 'conv_bn',
        [`features.${last}.0`]: 'conv_1',
        [`features.${last}.1`]: 'conv_1_bn',
        'classifier.0': 'conv_2',
        'classifier.3': 'logits',
      };
      const [, block, part, inner] = /^features\.(\d+)\.block\.(\d)\.(0|1|fc1|fc2)$/.exec(given) ?? [];
      if (block === undefined) return plain[given] ?? given;
      const prefix = block === '1' ? 'expanded_conv' : `expanded_conv_${Number(block) - 1}`;
      if (inner === 'fc1' || inner === 'fc2') return `${prefix}_squeeze_excite_conv${inner === 'fc2' ? '_1' : ''}`;
      const name = partOf(['expand', 'depthwise', 'project', 'project'], block !== '1', Number(part));
      return `${prefix}_${name}${inner === '1' ? '_bn' : ''}`;
    },
    style: { same: true },
    preprocessing: SYMMETRIC_PREPROCESSING,
  }),
);

/** Keras names EfficientNet's stages with digits and their blocks with letters. */
const efficientnetName = (given: string): string => {
  const plain: Readonly<Record<string, string>> = {
    'features.0.0': 'stem_conv',
    'features.0.1': 'stem_bn',
    'features.8.0': 'top_conv',
    'features.8.1': 'top_bn',
    'classifier.1': 'predictions',
  };
  const [, stage, n, part, inner] = /^features\.(\d)\.(\d+)\.block\.(\d)\.(0|1|fc1|fc2)$/.exec(given) ?? [];
  if (stage === undefined) return plain[given] ?? given;
  const prefix = `block${stage}${String.fromCharCode('a'.charCodeAt(0) + Number(n))}`;
  if (inner === 'fc1' || inner === 'fc2') return `${prefix}_se_${inner === 'fc1' ? 'reduce' : 'expand'}`;
  const names = [['expand_conv', 'expand_bn'], ['dwconv', 'bn'], [], ['project_conv', 'project_bn']] as const;
  const at = Number(part) + (stage === '1' ? 1 : 0);
  return `${prefix}_${names[at][Number(inner)]}`;
};

const efficientnetSides = [224, 240, 260, 300, 380];

const kerasEfficientnets = efficientnetSides.map((side, n) =>
  blueprint(
    `efficientnetb${n}`,
    'efficientnet',
    `EfficientNet-B${n} (Tan 2019)`,
    { lay: laysOf(efficientnets, `efficientnet_b${n}`), rename: efficientnetName, style: { epsilon: WIDE_EPSILON, same: true } },
    side,
  ),
);

const kerasDensenets = ['121', '169', '201'].map((depth) =>
  blueprint(`densenet${depth}`, 'densenet', `DenseNet-${depth} (Huang 2017)`, {
    lay: laysOf(densenets, `densenet${depth}`),
    rename: (given) =>
      given
        .replace(/^features\.conv0$/, 'conv1_conv')
        .replace(/^features\.norm0$/, 'conv1_bn')
        .replace(/^features\.norm5$/, 'bn')
        .replace(/^features\.transition(\d)\.norm$/, (_, i: string) => `pool${Number(i) + 1}_bn`)
        .replace(/^features\.transition(\d)\.conv$/, (_, i: string) => `pool${Number(i) + 1}_conv`)
        .replace(/^features\.denseblock(\d)\.denselayer(\d+)\./, (_, i: string, n: string) => `conv${Number(i) + 1}_block${n}_`)
        .replace(/_(norm|conv)([12])$/, (whole, what: string, n: string) =>
          whole === '_norm1' ? '_0_bn' : what === 'norm' ? '_1_bn' : `_${n}_conv`,
        )
        .replace(/^classifier$/, 'predictions'),
    style: { epsilon: EPSILON },
  }),
);

const convnextParts: Readonly<Record<string, string>> = {
  '0': 'depthwise_conv',
  '2': 'layernorm',
  '3': 'pointwise_conv_1',
  '4': 'gelu',
  '5': 'pointwise_conv_2',
};

const kerasConvnexts = (['tiny', 'small', 'base', 'large'] as const).map((size) =>
  blueprint(`convnext_${size}`, 'convnext', `ConvNeXt ${size} (Liu 2022)`, {
    lay: laysOf(convnexts, `convnext_${size}`),
    rename: (given) =>
      `convnext_${size}_${given
        .replace(/^features\.0\.0$/, 'stem_conv')
        .replace(/^features\.0\.1$/, 'stem_layernorm')
        .replace(
          /^features\.(\d)\.([01])$/,
          (_, at: string, part: string) => `downsampling_${part === '0' ? 'layernorm' : 'conv'}_${Number(at) / 2 - 1}`,
        )
        .replace(/^features\.(\d)\.(\d+)\./, (_, at: string, n: string) => `stage_${(Number(at) - 1) / 2}_block_${n}_`)
        .replace(/block\.(\d)$/, (_, part: string) => convnextParts[part])
        .replace(/^classifier\.0$/, 'head_layernorm')
        .replace(/^classifier\.2$/, 'head_dense')}`,
  }),
);

const layInception = laysOf(inceptions, 'inception_v3');

/** The layers of Inception-v3 bear the name of their class and the number of their making, which is torchvision's order too. */
const inceptionNames = ((): ReadonlyMap<string, string> => {
  const graph = createGraph([299, 299, 3]);
  layInception(graph, 1000);
  const named = (kind: Kind, name: string) =>
    graph.nodes.filter((node) => node.kind === kind).map(({ id }, n) => [id, n === 0 ? name : `${name}_${n}`] as const);
  return new Map([...named('Conv2D', 'conv2d'), ...named('BatchNormalization', 'batch_normalization'), ['fc', 'predictions']]);
})();

const inceptionV3 = blueprint(
  'inception_v3',
  'inception',
  'Inception-v3 (Szegedy 2016)',
  {
    lay: layInception,
    rename: (given) => inceptionNames.get(given) ?? given,
    style: { same: true },
    preprocessing: SYMMETRIC_PREPROCESSING,
  },
  299,
);

/** Those of keras.applications that are of a family here. */
export const kerasBlueprints: readonly Blueprint[] = [
  ...resnets,
  ...vggs,
  mobilenetV1,
  mobilenetV2,
  ...mobilenetV3s,
  ...kerasEfficientnets,
  ...kerasDensenets,
  ...kerasConvnexts,
  inceptionV3,
];

/** Layer names in the one spelling of all Keras versions: 2 has `Conv/BatchNorm` where 3 has `conv_bn`. */
export const kerasSpelling = (layer: string): string => layer.toLowerCase().replaceAll('/', '_').replaceAll('batchnorm', 'bn');

/** Keras weights as `LAYER/WEIGHT`, in the layout of the Network. */
export const kerasNaming: WeightNaming = {
  nameOf: ({ id }, weight) => `${kerasSpelling(id)}/${weight}`,
  layoutOf: (_kind: Kind, shape) => ({ storedShape: shape, sides: [shape.reduce((product, side) => product * side, 1)], steps: [1] }),
  // The preparation of EfficientNet's images, which its network here has beside it.
  ignores: (name) => name.startsWith('normalization/'),
};
