import { imagenet, roundedWidth, type Blueprint } from './blueprint.ts';
import type { Graph } from './graph.ts';
import { invertedResiduals, sequentialNaming, type BlockNaming, type InvertedRow, type Place, type Squeeze } from './inverted.ts';

export interface MobileNetV2 {
  readonly stem: { readonly width: number; readonly stride: number };
  readonly rows: readonly InvertedRow[];
  /** Width of the last 1×1 convolution. */
  readonly last: number;
  readonly dropout: number;
}

/** Table 2 of Sandler 2018, or rows like its: expansion, output channels, repeats, stride of the first. */
const v2Rows = (...rows: readonly (readonly [number, number, number, number])[]): InvertedRow[] =>
  rows.map(([expansion, channels, repeats, stride]) => ({ expansion, kernel: 3, stride, channels, repeats, squeeze: false }));

export const mobilenetV2Rows = v2Rows(
  [1, 16, 1, 1],
  [6, 24, 2, 2],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
);

/** The projection is no sequence of its own. */
const v2Naming: BlockNaming = (id, has) => {
  const names = sequentialNaming('conv')(id, has);
  const at = has.expand ? 2 : 1;
  const project: Place = { conv: `${id}.conv.${at}`, bn: `${id}.conv.${at + 1}`, act: '' };
  return { ...names, project };
};

/** Squeeze-and-excitation of MobileNetV3. */
export const v3Squeeze: Squeeze = { of: 'expanded', activation: 'relu', gate: 'hard_sigmoid' };

/** Sandler 2018 (1801.04381): inverted residuals with linear bottlenecks and ReLU6. */
export function mobilenetV2(graph: Graph, spec: MobileNetV2, classes: number): void {
  const convolution = (id: string, filters: number, kernel: number, stride: number): void => {
    graph.conv(`${id}.0`, filters, kernel, { stride });
    graph.bn(`${id}.1`);
    graph.relu(`${id}.2`, 6);
  };
  convolution('features.0', spec.stem.width, 3, spec.stem.stride);
  let at = 1;
  for (const row of spec.rows) {
    invertedResiduals(graph, row, { activation: 'relu6', naming: v2Naming }, () => `features.${at++}`);
  }
  convolution(`features.${at}`, spec.last, 1, 1);
  graph.globalAverage('avgpool');
  graph.dropout('classifier.0', spec.dropout);
  graph.dense('classifier.1', classes);
}

export interface MobileNetV3 {
  readonly stages: readonly (readonly InvertedRow[])[];
  /** Widths of the last convolution and of the hidden layer. */
  readonly last: number;
  readonly hidden: number;
}

type V3Row = readonly [
  kernel: number,
  expansion: number,
  channels: number,
  squeeze: boolean,
  activation: 'relu' | 'hard_swish',
  stride: number,
];

const v3Rows = (...rows: readonly V3Row[]): InvertedRow[] =>
  rows.map(([kernel, expansion, channels, squeeze, activation, stride]) => ({
    kernel,
    expansion,
    channels,
    squeeze,
    activation,
    stride,
    repeats: 1,
  }));

/** Tables 1 and 2 of Howard 2019 (1905.02244), by stages. */
export const mobilenetV3s: Readonly<Record<'small' | 'large', MobileNetV3>> = {
  large: {
    stages: [
      v3Rows([3, 1, 16, false, 'relu', 1]),
      v3Rows([3, 4, 24, false, 'relu', 2], [3, 3, 24, false, 'relu', 1]),
      v3Rows([5, 3, 40, true, 'relu', 2], [5, 3, 40, true, 'relu', 1], [5, 3, 40, true, 'relu', 1]),
      v3Rows(
        [3, 6, 80, false, 'hard_swish', 2],
        [3, 2.5, 80, false, 'hard_swish', 1],
        [3, 2.3, 80, false, 'hard_swish', 1],
        [3, 2.3, 80, false, 'hard_swish', 1],
      ),
      v3Rows([3, 6, 112, true, 'hard_swish', 1], [3, 6, 112, true, 'hard_swish', 1]),
      v3Rows([5, 6, 160, true, 'hard_swish', 2], [5, 6, 160, true, 'hard_swish', 1], [5, 6, 160, true, 'hard_swish', 1]),
    ],
    last: 960,
    hidden: 1280,
  },
  small: {
    stages: [
      v3Rows([3, 1, 16, true, 'relu', 2]),
      v3Rows([3, 4.5, 24, false, 'relu', 2], [3, 3.67, 24, false, 'relu', 1]),
      v3Rows([5, 4, 40, true, 'hard_swish', 2], [5, 6, 40, true, 'hard_swish', 1], [5, 6, 40, true, 'hard_swish', 1]),
      v3Rows([5, 3, 48, true, 'hard_swish', 1], [5, 3, 48, true, 'hard_swish', 1]),
      v3Rows([5, 6, 96, true, 'hard_swish', 2], [5, 6, 96, true, 'hard_swish', 1], [5, 6, 96, true, 'hard_swish', 1]),
    ],
    last: 576,
    hidden: 1024,
  },
};

const V3_EPSILON = 1e-3;

function mobilenetV3(graph: Graph, { stages, last, hidden }: MobileNetV3, classes: number): void {
  const convolution = (id: string, filters: number, kernel: number, stride: number): void => {
    graph.conv(`${id}.0`, filters, kernel, { stride });
    graph.bn(`${id}.1`, V3_EPSILON);
    graph.activate(`${id}.2`, 'hard_swish');
  };
  convolution('features.0', 16, 3, 2);
  let at = 1;
  const style = { activation: 'hard_swish', squeeze: v3Squeeze, epsilon: V3_EPSILON, naming: sequentialNaming('block') } as const;
  for (const row of stages.flat()) invertedResiduals(graph, row, style, () => `features.${at++}`);
  convolution(`features.${at}`, last, 1, 1);
  graph.globalAverage('avgpool');
  graph.dense('classifier.0', hidden);
  graph.activate('classifier.1', 'hard_swish');
  graph.dropout('classifier.2', 0.2);
  graph.dense('classifier.3', classes);
}

const mobilenetV2Small: MobileNetV2 = {
  stem: { width: 16, stride: 1 },
  rows: v2Rows([1, 16, 1, 1], [6, 24, 2, 2], [6, 32, 3, 2], [6, 64, 3, 1]),
  last: 256,
  dropout: 0.2,
};

/** MobileNetV2 with every width times `width`, as torchvision's `width_mult` makes it. */
const mobilenetV2OfWidth = (id: string, width: number): Blueprint => {
  const spec: MobileNetV2 = {
    stem: { width: roundedWidth(32 * width), stride: 2 },
    rows: mobilenetV2Rows.map((row) => ({ ...row, channels: roundedWidth(row.channels * width) })),
    last: roundedWidth(1280 * Math.max(1, width)),
    dropout: 0.2,
  };
  const description = `MobileNetV2 ${width === 1 ? '' : `of width ${width} `}as in torchvision (Sandler 2018)`;
  return imagenet({ id, family: 'mobilenetv2', description, lay: (graph, classes) => mobilenetV2(graph, spec, classes) });
};

/** `mobilenet_v2_NNN`: of any width, in percent. */
export const mobilenetV2Named = (id: string): Blueprint | undefined => {
  const percent = /^mobilenet_v2_(\d{3})$/.exec(id)?.[1];
  return percent === undefined || Number(percent) === 0 ? undefined : mobilenetV2OfWidth(id, Number(percent) / 100);
};

export const mobilenets: readonly Blueprint[] = [
  {
    id: 'mobilenetv2-small',
    family: 'mobilenetv2',
    description: 'Nine inverted residuals with ReLU6 for small images',
    inputShape: [32, 32, 3],
    classes: 10,
    lay: (graph, classes) => mobilenetV2(graph, mobilenetV2Small, classes),
  },
  mobilenetV2OfWidth('mobilenet_v2', 1),
  ...(['small', 'large'] as const).map((size) =>
    imagenet({
      id: `mobilenet_v3_${size}`,
      family: 'mobilenetv3',
      description: `MobileNetV3 ${size} as in torchvision (Howard 2019)`,
      lay: (graph, classes) => mobilenetV3(graph, mobilenetV3s[size], classes),
    }),
  ),
];
