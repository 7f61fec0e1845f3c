import type { Blueprint } from './blueprint.ts';
import { convnexts } from './convnext.ts';
import { densenets } from './densenet.ts';
import { efficientnets } from './efficientnet.ts';
import type { Graph } from './graph.ts';
import { googlenets } from './googlenet.ts';
import { inceptions } from './inception.ts';
import { kerasBlueprints } from './keras.ts';
import { mnasnets } from './mnasnet.ts';
import { mobilenetV2Named, mobilenets } from './mobilenet.ts';
import { regnets } from './regnet.ts';
import { resnet, type ResNet } from './resnet.ts';
import { shufflenets } from './shufflenet.ts';
import { squeezenet, type SqueezeNet } from './squeezenet.ts';
import { timmMobileNets, timmMobilenetV2Named } from './timm.ts';
import { vgg, vggStages, type Vgg } from './vgg.ts';

const small = { inputShape: [32, 32, 3], classes: 10 } as const;
const large = { inputShape: [224, 224, 3], classes: 1000 } as const;

function cifarResNet(depth: number): Blueprint {
  const repeats = (depth - 2) / 6;
  const spec: ResNet = {
    block: 'basic',
    repeats: [repeats, repeats, repeats],
    width: 16,
    stem: 'cifar',
    shortcut: 'identity',
    head: 'linear',
  };
  return {
    id: `cifar-resnet${depth}`,
    family: 'resnet',
    description: `ResNet-${depth} for small images with option-A shortcuts (He 2016)`,
    ...small,
    lay: (graph, classes) => resnet(graph, spec, classes),
  };
}

function imagenetResNet(id: string, block: ResNet['block'], repeats: readonly number[], inner: Partial<ResNet> = {}): Blueprint {
  const spec: ResNet = { block, repeats, width: 64, stem: 'imagenet', shortcut: 'projection', head: 'fc', ...inner };
  return {
    id,
    family: 'resnet',
    description: `${id} as in torchvision (He 2016 and successors)`,
    ...large,
    lay: (graph, classes) => resnet(graph, spec, classes),
  };
}

/** torchvision's, and timm's, whose hidden layers are convolutions. */
function imagenetVggs(depth: number, batchNormalization: boolean, ...counts: readonly number[]): Blueprint[] {
  const spec: Vgg = {
    stages: vggStages(...counts),
    batchNormalization,
    useBias: true,
    pool: 'flatten',
    hidden: [4096, 4096],
    dropout: 0.5,
  };
  const name = `vgg${depth}${batchNormalization ? '_bn' : ''}`;
  const title = `VGG-${depth}${batchNormalization ? ' with batch normalisation' : ''}`;
  const of = (library: string, given: Vgg) => ({
    family: 'vgg',
    description: `${title} as in ${library} (Simonyan & Zisserman 2015)`,
    ...large,
    lay: (graph: Graph, classes: number) => vgg(graph, given, classes),
  });
  return [
    { id: name, ...of('torchvision', spec) },
    { id: `timm:${name}`, ...of('timm', { ...spec, pool: 'convolution' }) },
  ];
}

function imagenetSqueezeNet(version: string, spec: Pick<SqueezeNet, 'stem' | 'groups'>): Blueprint {
  const whole: SqueezeNet = { ...spec, batchNormalization: false, head: 'convolution', dropout: 0.5 };
  return {
    id: `squeezenet${version.replace('.', '_')}`,
    family: 'squeezenet',
    description: `SqueezeNet ${version} as in torchvision (Iandola 2016)`,
    ...large,
    lay: (graph, classes) => squeezenet(graph, whole, classes),
  };
}

const vggSmall: Vgg = {
  stages: [[32, 32], [64, 64], [96, 96], [128]],
  batchNormalization: true,
  useBias: false,
  pool: 'average',
  hidden: [128],
  dropout: 0.2,
};

const customCnn: Vgg = {
  stages: [
    [32, 32],
    [64, 64],
    [128, 128],
  ],
  batchNormalization: true,
  useBias: false,
  pool: 'flatten',
  hidden: [256],
  dropout: 0,
};

const squeezeNetSmall: SqueezeNet = {
  stem: { width: 32, kernel: 3, stride: 1, padding: 1 },
  groups: [
    [
      [16, 32],
      [16, 32],
    ],
    [
      [32, 64],
      [32, 64],
      [48, 96],
      [48, 96],
      [64, 128],
    ],
  ],
  batchNormalization: true,
  head: 'dense',
  dropout: 0.2,
};

export const blueprints: readonly Blueprint[] = [
  ...[20, 32, 44, 56, 110].map(cifarResNet),
  {
    id: 'vgg-small',
    family: 'vgg',
    description: 'Seven 3×3 convolutions in four stages, averaged, one hidden layer of 128',
    ...small,
    lay: (graph, classes) => vgg(graph, vggSmall, classes),
  },
  {
    id: 'squeezenet-small',
    family: 'squeezenet',
    description: 'Seven fire modules with batch normalisation, averaged, then Dense',
    ...small,
    lay: (graph, classes) => squeezenet(graph, squeezeNetSmall, classes),
  },
  {
    id: 'custom-cnn',
    family: 'plain',
    description: 'Three blocks of two 3×3 convolutions (32, 64, 128), each max-pooled, then a hidden layer of 256',
    ...small,
    lay: (graph, classes) => vgg(graph, customCnn, classes),
  },
  imagenetResNet('resnet18', 'basic', [2, 2, 2, 2]),
  imagenetResNet('resnet34', 'basic', [3, 4, 6, 3]),
  imagenetResNet('resnet50', 'bottleneck', [3, 4, 6, 3]),
  imagenetResNet('resnet101', 'bottleneck', [3, 4, 23, 3]),
  imagenetResNet('resnet152', 'bottleneck', [3, 8, 36, 3]),
  imagenetResNet('resnext50_32x4d', 'bottleneck', [3, 4, 6, 3], { groups: 32, innerWidth: 2 }),
  imagenetResNet('resnext101_32x8d', 'bottleneck', [3, 4, 23, 3], { groups: 32, innerWidth: 4 }),
  imagenetResNet('resnext101_64x4d', 'bottleneck', [3, 4, 23, 3], { groups: 64, innerWidth: 4 }),
  imagenetResNet('wide_resnet101_2', 'bottleneck', [3, 4, 23, 3], { innerWidth: 2 }),
  imagenetResNet('wide_resnet50_2', 'bottleneck', [3, 4, 6, 3], { innerWidth: 2 }),
  ...[false, true].flatMap((batchNormalization) => [
    ...imagenetVggs(11, batchNormalization, 1, 1, 2, 2, 2),
    ...imagenetVggs(13, batchNormalization, 2, 2, 2, 2, 2),
    ...imagenetVggs(16, batchNormalization, 2, 2, 3, 3, 3),
    ...imagenetVggs(19, batchNormalization, 2, 2, 4, 4, 4),
  ]),
  imagenetSqueezeNet('1.0', {
    stem: { width: 96, kernel: 7, stride: 2, padding: 0 },
    groups: [
      [
        [16, 64],
        [16, 64],
        [32, 128],
      ],
      [
        [32, 128],
        [48, 192],
        [48, 192],
        [64, 256],
      ],
      [[64, 256]],
    ],
  }),
  imagenetSqueezeNet('1.1', {
    stem: { width: 64, kernel: 3, stride: 2, padding: 0 },
    groups: [
      [
        [16, 64],
        [16, 64],
      ],
      [
        [32, 128],
        [32, 128],
      ],
      [
        [48, 192],
        [48, 192],
        [64, 256],
        [64, 256],
      ],
    ],
  }),
  ...mobilenets,
  ...efficientnets,
  ...mnasnets,
  ...timmMobileNets,
  ...densenets,
  ...googlenets,
  ...inceptions,
  ...shufflenets,
  ...regnets,
  ...convnexts,
  ...kerasBlueprints,
];

/** The blueprint with that id: one of the list, or a MobileNetV2 of any width. */
export const blueprintNamed = (id: string): Blueprint | undefined =>
  blueprints.find((candidate) => candidate.id === id) ?? mobilenetV2Named(id) ?? timmMobilenetV2Named(id);
