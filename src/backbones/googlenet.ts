import { SYMMETRIC_PREPROCESSING, imagenet, type Blueprint } from './blueprint.ts';
import { createUnits } from './inception-units.ts';
import type { Graph } from './graph.ts';

/** Widths of an inception module: 1×1; reduction and 3×3; reduction and second 3×3; after the pooling. */
type Module = readonly [one: number, reduce3: number, three: number, reduce5: number, five: number, pooled: number];

/** Table 1 of Szegedy 2015, in groups with a max pooling before each. */
const groups: readonly Readonly<Record<string, Module>>[] = [
  { '3a': [64, 96, 128, 16, 32, 32], '3b': [128, 128, 192, 32, 96, 64] },
  {
    '4a': [192, 96, 208, 16, 48, 64],
    '4b': [160, 112, 224, 24, 64, 64],
    '4c': [128, 128, 256, 24, 64, 64],
    '4d': [112, 144, 288, 32, 64, 64],
    '4e': [256, 160, 320, 32, 128, 128],
  },
  { '5a': [256, 160, 320, 32, 128, 128], '5b': [384, 192, 384, 48, 128, 128] },
];

/** Szegedy 2015 (1409.4842) with batch normalisation and 3×3 for 5×5, as torchvision has it; without its auxiliary heads. */
function googlenet(graph: Graph, classes: number): void {
  const { unit } = createUnits(graph);
  unit('conv1', 64, 7, { stride: 2 });
  graph.maxPool('maxpool1', 3, 2, { ceil: true });
  unit('conv2', 64, 1);
  unit('conv3', 192, 3);
  for (const [i, modules] of groups.entries()) {
    graph.maxPool(`maxpool${i + 2}`, i < 2 ? 3 : 2, 2, { ceil: true });
    for (const [name, [one, reduce3, three, reduce5, five, pooled]] of Object.entries(modules)) {
      const id = `inception${name}`;
      const entrance = graph.newest();
      const branches = [unit(`${id}.branch1`, one, 1, {}, entrance)];
      unit(`${id}.branch2.0`, reduce3, 1, {}, entrance);
      branches.push(unit(`${id}.branch2.1`, three, 3));
      unit(`${id}.branch3.0`, reduce5, 1, {}, entrance);
      branches.push(unit(`${id}.branch3.1`, five, 3));
      graph.maxPool(`${id}.branch4.0`, 3, 1, { padding: 1 }, entrance);
      branches.push(unit(`${id}.branch4.1`, pooled, 1));
      graph.join('Concatenate', `${id}.cat`, branches);
    }
  }
  graph.globalAverage('avgpool');
  graph.dropout('dropout', 0.2);
  graph.dense('fc', classes);
}

export const googlenets: readonly Blueprint[] = [
  imagenet({
    id: 'googlenet',
    family: 'inception',
    description: 'GoogLeNet as in torchvision, without auxiliary heads (Szegedy 2015)',
    // torchvision's transform_input turns ImageNet's normalisation into this one.
    preprocessing: SYMMETRIC_PREPROCESSING,
    lay: googlenet,
  }),
];
