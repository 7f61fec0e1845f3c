import { SYMMETRIC_PREPROCESSING, imagenet, type Blueprint } from './blueprint.ts';
import { createUnits } from './inception-units.ts';
import type { ConvOptions, Graph, Kernel } from './graph.ts';

/** Units in a row by name, width and kernel. */
type Branch = readonly (readonly [name: string, filters: number, kernel: Kernel, options?: ConvOptions])[];

interface Module {
  readonly branches: readonly Branch[];
  /** Two convolutions beside each other that end the branch of this place. */
  readonly forks?: Readonly<Record<number, readonly [Branch, Branch]>>;
  /** Width of the convolution after an average pooling, or a max pooling at stride 2. */
  readonly pool: number | 'max';
}

const row: Kernel = [1, 7];
const column: Kernel = [7, 1];
/** Stride 2 without padding. */
const reduction: ConvOptions = { stride: 2, padding: 0 };

const moduleA = (pool: number): Module => ({
  branches: [
    [['branch1x1', 64, 1]],
    [
      ['branch5x5_1', 48, 1],
      ['branch5x5_2', 64, 5],
    ],
    [
      ['branch3x3dbl_1', 64, 1],
      ['branch3x3dbl_2', 96, 3],
      ['branch3x3dbl_3', 96, 3],
    ],
  ],
  pool,
});

const moduleB: Module = {
  branches: [
    [['branch3x3', 384, 3, reduction]],
    [
      ['branch3x3dbl_1', 64, 1],
      ['branch3x3dbl_2', 96, 3],
      ['branch3x3dbl_3', 96, 3, reduction],
    ],
  ],
  pool: 'max',
};

const moduleC = (width: number): Module => ({
  branches: [
    [['branch1x1', 192, 1]],
    [
      ['branch7x7_1', width, 1],
      ['branch7x7_2', width, row],
      ['branch7x7_3', 192, column],
    ],
    [
      ['branch7x7dbl_1', width, 1],
      ['branch7x7dbl_2', width, column],
      ['branch7x7dbl_3', width, row],
      ['branch7x7dbl_4', width, column],
      ['branch7x7dbl_5', 192, row],
    ],
  ],
  pool: 192,
});

const moduleD: Module = {
  branches: [
    [
      ['branch3x3_1', 192, 1],
      ['branch3x3_2', 320, 3, reduction],
    ],
    [
      ['branch7x7x3_1', 192, 1],
      ['branch7x7x3_2', 192, row],
      ['branch7x7x3_3', 192, column],
      ['branch7x7x3_4', 192, 3, reduction],
    ],
  ],
  pool: 'max',
};

const moduleE: Module = {
  branches: [
    [['branch1x1', 320, 1]],
    [['branch3x3_1', 384, 1]],
    [
      ['branch3x3dbl_1', 448, 1],
      ['branch3x3dbl_2', 384, 3],
    ],
  ],
  forks: {
    1: [[['branch3x3_2a', 384, [1, 3]]], [['branch3x3_2b', 384, [3, 1]]]],
    2: [[['branch3x3dbl_3a', 384, [1, 3]]], [['branch3x3dbl_3b', 384, [3, 1]]]],
  },
  pool: 192,
};

const modules: Readonly<Record<string, Module>> = {
  Mixed_5b: moduleA(32),
  Mixed_5c: moduleA(64),
  Mixed_5d: moduleA(64),
  Mixed_6a: moduleB,
  Mixed_6b: moduleC(128),
  Mixed_6c: moduleC(160),
  Mixed_6d: moduleC(160),
  Mixed_6e: moduleC(192),
  Mixed_7a: moduleD,
  Mixed_7b: moduleE,
  Mixed_7c: moduleE,
};

/** Szegedy 2016 (1512.00567) as torchvision has it, without its auxiliary head. */
function inceptionV3(graph: Graph, classes: number): void {
  const { unit, chain } = createUnits(graph);
  unit('Conv2d_1a_3x3', 32, 3, reduction);
  unit('Conv2d_2a_3x3', 32, 3, { padding: 0 });
  unit('Conv2d_2b_3x3', 64, 3);
  graph.maxPool('maxpool1', 3, 2);
  unit('Conv2d_3b_1x1', 80, 1);
  unit('Conv2d_4a_3x3', 192, 3, { padding: 0 });
  graph.maxPool('maxpool2', 3, 2);
  for (const [id, { branches, forks = {}, pool }] of Object.entries(modules)) {
    const entrance = graph.newest();
    const along = (from: string, branch: Branch): string =>
      chain(from, ...branch.map(([name, ...rest]) => [`${id}.${name}`, ...rest] as const));
    const joined = branches.flatMap((branch, i) => {
      const end = along(entrance, branch);
      return forks[i]?.map((fork) => along(end, fork)) ?? [end];
    });
    if (pool === 'max') joined.push(graph.maxPool(`${id}.pool`, 3, 2, {}, entrance));
    else {
      graph.averagePool(`${id}.pool`, 3, 1, 1, entrance);
      joined.push(unit(`${id}.branch_pool`, pool, 1));
    }
    graph.join('Concatenate', `${id}.cat`, joined);
  }
  graph.globalAverage('avgpool');
  graph.dropout('dropout', 0.5);
  graph.dense('fc', classes);
}

export const inceptions: readonly Blueprint[] = [
  imagenet(
    {
      id: 'inception_v3',
      family: 'inception',
      description: 'Inception-v3 as in torchvision, without its auxiliary head (Szegedy 2016)',
      // torchvision's transform_input turns ImageNet's normalisation into this one.
      preprocessing: SYMMETRIC_PREPROCESSING,
      lay: inceptionV3,
    },
    299,
  ),
];
