import { imagenet, roundedWidth, type Blueprint } from './blueprint.ts';
import type { Graph } from './graph.ts';
import { invertedResiduals, sequentialNaming, type InvertedRow, type Squeeze } from './inverted.ts';

/** How a larger member is made of the smallest: widths and repeats times these. */
export interface Scale {
  readonly width: number;
  readonly depth: number;
  /** Side of the image. */
  readonly side: number;
  readonly dropout: number;
}

/** Table 1 of Tan 2019 (1905.11946): expansion, kernel, stride, channels, repeats. */
export const efficientnetRows: readonly InvertedRow[] = [
  [1, 3, 1, 16, 1],
  [6, 3, 2, 24, 2],
  [6, 5, 2, 40, 2],
  [6, 3, 2, 80, 3],
  [6, 5, 1, 112, 3],
  [6, 5, 2, 192, 4],
  [6, 3, 1, 320, 1],
].map(([expansion, kernel, stride, channels, repeats]) => ({ expansion, kernel, stride, channels, repeats, squeeze: true }));

/** B0 to B4. */
export const efficientnetScales: readonly Scale[] = [
  { width: 1, depth: 1, side: 224, dropout: 0.2 },
  { width: 1, depth: 1.1, side: 240, dropout: 0.2 },
  { width: 1.1, depth: 1.2, side: 288, dropout: 0.3 },
  { width: 1.2, depth: 1.4, side: 300, dropout: 0.3 },
  { width: 1.4, depth: 1.8, side: 380, dropout: 0.4 },
];

/** Squeeze-and-excitation of EfficientNet. */
export const efficientnetSqueeze: Squeeze = { of: 'input', activation: 'swish', gate: 'sigmoid' };

/** Rows with their widths and repeats scaled. */
export function scaledRows(rows: readonly InvertedRow[], { width, depth }: Pick<Scale, 'width' | 'depth'>): InvertedRow[] {
  return rows.map((row) => ({ ...row, channels: roundedWidth(row.channels * width), repeats: Math.ceil(row.repeats * depth) }));
}

function efficientnet(graph: Graph, scale: Scale, classes: number): void {
  const convolution = (id: string, filters: number, kernel: number, stride: number): void => {
    graph.conv(`${id}.0`, filters, kernel, { stride });
    graph.bn(`${id}.1`);
    graph.activate(`${id}.2`, 'swish');
  };
  convolution('features.0', roundedWidth(32 * scale.width), 3, 2);
  const rows = scaledRows(efficientnetRows, scale);
  const style = { activation: 'swish', squeeze: efficientnetSqueeze, naming: sequentialNaming('block') } as const;
  for (const [stage, row] of rows.entries()) invertedResiduals(graph, row, style, (n) => `features.${stage + 1}.${n}`);
  convolution(`features.${rows.length + 1}`, 4 * graph.channels(), 1, 1);
  graph.globalAverage('avgpool');
  graph.dropout('classifier.0', scale.dropout);
  graph.dense('classifier.1', classes);
}

export const efficientnets: readonly Blueprint[] = efficientnetScales.map((scale, n) =>
  imagenet(
    {
      id: `efficientnet_b${n}`,
      family: 'efficientnet',
      description: `EfficientNet-B${n} as in torchvision (Tan 2019)`,
      lay: (graph, classes) => efficientnet(graph, scale, classes),
    },
    scale.side,
  ),
);
