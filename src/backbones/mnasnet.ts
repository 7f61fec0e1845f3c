import { imagenet, roundedWidth, type Blueprint } from './blueprint.ts';
import type { Graph } from './graph.ts';
import { scaledRows } from './efficientnet.ts';
import { invertedResiduals, type BlockNaming, type InvertedRow, type Place } from './inverted.ts';

/** MnasNet-B1 of Tan 2019 (1807.11626): expansion, kernel, stride, channels, repeats. */
export const mnasnetRows: readonly InvertedRow[] = [
  [1, 3, 1, 16, 1],
  [3, 3, 2, 24, 3],
  [3, 5, 2, 40, 3],
  [6, 5, 2, 80, 3],
  [6, 3, 1, 96, 2],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
].map(([expansion, kernel, stride, channels, repeats]) => ({ expansion, kernel, stride, channels, repeats, squeeze: false }));

/** One sequence of convolution, normalisation and activation, numbered through. */
const placeAt = (sequence: string, at: number): Place => ({
  conv: `${sequence}.${at}`,
  bn: `${sequence}.${at + 1}`,
  act: `${sequence}.${at + 2}`,
});

const naming: BlockNaming = (id) => ({
  expand: placeAt(`${id}.layers`, 0),
  depthwise: placeAt(`${id}.layers`, 3),
  squeeze: { reduce: '', expand: '' },
  project: placeAt(`${id}.layers`, 6),
});

/** The first block stands in the stem's sequence. */
const stemNaming: BlockNaming = () => ({
  expand: placeAt('', 0),
  depthwise: placeAt('layers', 3),
  squeeze: { reduce: '', expand: '' },
  project: placeAt('layers', 6),
});

function mnasnet(graph: Graph, width: number, classes: number): void {
  const convolution = ({ conv, bn, act }: Place, filters: number, kernel: number, stride: number): void => {
    graph.conv(conv, filters, kernel, { stride });
    graph.bn(bn);
    graph.relu(act);
  };
  convolution(placeAt('layers', 0), roundedWidth(32 * width), 3, 2);
  const [first, ...rows] = scaledRows(mnasnetRows, { width, depth: 1 });
  invertedResiduals(graph, first, { activation: 'relu', naming: stemNaming }, () => 'layers.3');
  for (const [stage, row] of rows.entries()) {
    invertedResiduals(graph, row, { activation: 'relu', naming }, (n) => `layers.${8 + stage}.${n}`);
  }
  convolution(placeAt('layers', 14), 1280, 1, 1);
  graph.globalAverage('avgpool');
  graph.dropout('classifier.0', 0.2);
  graph.dense('classifier.1', classes);
}

export const mnasnets: readonly Blueprint[] = [0.5, 0.75, 1, 1.3].map((width) =>
  imagenet({
    id: `mnasnet${width.toFixed(width === 0.75 ? 2 : 1).replace('.', '_')}`,
    family: 'mnasnet',
    description: `MnasNet-B1 of width ${width} as in torchvision (Tan 2019)`,
    lay: (graph, classes) => mnasnet(graph, width, classes),
  }),
);
