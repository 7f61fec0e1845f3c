import { imagenet, type Blueprint } from './blueprint.ts';
import type { Graph } from './graph.ts';

export interface DenseNet {
  /** Channels that each layer adds. */
  readonly growth: number;
  /** Layers of each dense block. */
  readonly blocks: readonly number[];
  /** Width of the first convolution. */
  readonly stem: number;
  /** The first convolution is 3×3 at stride 1 and nothing is pooled after it (Huang 2017 on CIFAR). */
  readonly smallImages?: true;
}

/** The 1×1 convolution before each 3×3 makes this many times the growth. */
const BOTTLENECK = 4;

/** Huang 2017 (1608.06993). */
function densenet(graph: Graph, { growth, blocks, stem, smallImages }: DenseNet, classes: number): void {
  const normalised = (id: string, suffix = ''): void => {
    graph.bn(`${id}norm${suffix}`);
    graph.relu(`${id}relu${suffix}`);
  };
  if (smallImages) {
    graph.conv('features.conv0', stem, 3);
    normalised('features.', '0');
  } else {
    graph.conv('features.conv0', stem, 7, { stride: 2 });
    normalised('features.', '0');
    graph.maxPool('features.pool0', 3, 2, { padding: 1 });
  }
  for (const [i, layers] of blocks.entries()) {
    for (let n = 1; n <= layers; n++) {
      const id = `features.denseblock${i + 1}.denselayer${n}`;
      const entrance = graph.newest();
      normalised(`${id}.`, '1');
      graph.conv(`${id}.conv1`, BOTTLENECK * growth, 1);
      normalised(`${id}.`, '2');
      graph.join('Concatenate', `${id}.cat`, [entrance, graph.conv(`${id}.conv2`, growth, 3)]);
    }
    if (i + 1 === blocks.length) break;
    const id = `features.transition${i + 1}`;
    normalised(`${id}.`);
    graph.conv(`${id}.conv`, graph.channels() / 2, 1);
    graph.averagePool(`${id}.pool`, 2, 2);
  }
  normalised('features.', '5');
  graph.globalAverage('avgpool');
  graph.dense('classifier', classes);
}

const members: Readonly<Record<string, DenseNet>> = {
  densenet121: { growth: 32, blocks: [6, 12, 24, 16], stem: 64 },
  densenet161: { growth: 48, blocks: [6, 12, 36, 24], stem: 96 },
  densenet169: { growth: 32, blocks: [6, 12, 32, 32], stem: 64 },
  densenet201: { growth: 32, blocks: [6, 12, 48, 32], stem: 64 },
};

const small: DenseNet = { growth: 12, blocks: [3, 4, 5], stem: 24, smallImages: true };

export const densenets: readonly Blueprint[] = [
  {
    id: 'densenet-small',
    family: 'densenet',
    description: 'Three dense blocks of three, four and five layers, growth 12, for small images',
    inputShape: [32, 32, 3],
    classes: 10,
    lay: (graph, classes) => densenet(graph, small, classes),
  },
  ...Object.entries(members).map(([id, spec]) =>
    imagenet({
      id,
      family: 'densenet',
      description: `DenseNet-${id.slice('densenet'.length)} as in torchvision (Huang 2017)`,
      lay: (graph, classes) => densenet(graph, spec, classes),
    }),
  ),
];
