import { imagenet, roundedWidth, type Blueprint } from './blueprint.ts';
import { efficientnetRows, efficientnetScales, efficientnetSqueeze, scaledRows, type Scale } from './efficientnet.ts';
import type { Activating, Graph } from './graph.ts';
import { invertedResiduals, type BlockNaming, type InvertedRow, type Squeeze } from './inverted.ts';
import { mnasnetRows } from './mnasnet.ts';
import { mobilenetV2Rows, mobilenetV3s, v3Squeeze } from './mobilenet.ts';

/** A network of inverted residuals with timm's module names. */
interface TimmNet {
  readonly stem: number;
  readonly stages: readonly (readonly InvertedRow[])[];
  readonly activation: Activating;
  readonly squeeze?: Squeeze;
  /** Width of the last stage's single convolution, where there is one. */
  readonly lastStage?: number;
  /** The last convolution: normalised before the pooling, with a bias after it, or none. */
  readonly head: { readonly width: number; readonly place: 'before' | 'after' } | undefined;
  readonly dropout: number;
}

const naming: BlockNaming = (id, { expand }) => {
  const place = (conv: string, n: number) => ({ conv: `${id}.${conv}`, bn: `${id}.bn${n}`, act: `${id}.bn${n}.act` });
  const squeeze = { reduce: `${id}.se.conv_reduce`, expand: `${id}.se.conv_expand` };
  return expand
    ? { expand: place('conv_pw', 1), depthwise: place('conv_dw', 2), squeeze, project: place('conv_pwl', 3) }
    : { expand: place('', 0), depthwise: place('conv_dw', 1), squeeze, project: place('conv_pw', 2) };
};

function lay(graph: Graph, net: TimmNet, classes: number): void {
  const convolution = (conv: string, bn: string, filters: number, kernel: number, stride: number): void => {
    graph.conv(conv, filters, kernel, { stride });
    graph.bn(bn);
    graph.activate(`${bn}.act`, net.activation);
  };
  convolution('conv_stem', 'bn1', net.stem, 3, 2);
  for (const [stage, rows] of net.stages.entries()) {
    let at = 0;
    for (const row of rows) invertedResiduals(graph, row, { ...net, naming }, () => `blocks.${stage}.${at++}`);
  }
  const last = `blocks.${net.stages.length}.0`;
  if (net.lastStage !== undefined) convolution(`${last}.conv`, `${last}.bn1`, net.lastStage, 1, 1);
  if (net.head?.place === 'after') {
    graph.averagePool('global_pool', graph.size(), 1);
    graph.conv('conv_head', net.head.width, 1, { useBias: true });
    graph.activate('act2', net.activation);
    graph.add('Flatten', 'flatten', {});
  } else {
    if (net.head !== undefined) convolution('conv_head', 'bn2', net.head.width, 1, 1);
    graph.globalAverage('global_pool');
  }
  graph.dropout('drop', net.dropout);
  graph.dense('classifier', classes);
}

function blueprint(name: string, family: string, title: string, net: TimmNet, side = 224): Blueprint {
  return imagenet(
    { id: `timm:${name}`, family, description: `${title} as in timm`, lay: (graph, classes) => lay(graph, net, classes) },
    side,
  );
}

const percent = (width: number): string => String(Math.round(width * 100)).padStart(3, '0');

/** Rows that are stages of their own, scaled; with `fixedEnds` the first and last are not repeated more. */
function scaledStages(rows: readonly InvertedRow[], scale: Pick<Scale, 'width' | 'depth'>, fixedEnds = false): InvertedRow[][] {
  const scaled = scaledRows(rows, scale);
  return scaled.map((row, i) => {
    const repeats = fixedEnds && (i === 0 || i === rows.length - 1) ? rows[i].repeats : row.repeats;
    return [{ ...row, repeats }];
  });
}

/** Howard 2017 (1704.04861): channels, repeats; every row but the first halves the map. */
const mobilenetV1Rows = [
  [64, 1],
  [128, 2],
  [256, 2],
  [512, 6],
  [1024, 2],
].map(([channels, repeats], i): InvertedRow => {
  return { expansion: 1, kernel: 3, stride: i === 0 ? 1 : 2, channels, repeats, squeeze: false, plain: true };
});

const mobilenetV1s = [1, 1.25].map((width) =>
  blueprint(`mobilenetv1_${percent(width)}`, 'mobilenetv1', `MobileNetV1 of width ${width} (Howard 2017)`, {
    stem: roundedWidth(32 * width),
    stages: scaledStages(mobilenetV1Rows, { width, depth: 1 }),
    activation: 'relu6',
    head: undefined,
    dropout: 0.2,
  }),
);

/** Width, depth, and whether stem, head and the ends' repeats stay as they are. */
const mobilenetV2Scales: readonly (readonly [name: string, width: number, depth: number, fixedEnds: boolean])[] = [
  ...[0.35, 0.5, 0.75, 1, 1.4].map((width) => [percent(width), width, 1, false] as const),
  ['110d', 1.1, 1.2, true],
  ['120d', 1.2, 1.4, true],
];

const mobilenetV2Of = ([name, width, depth, fixedEnds]: (typeof mobilenetV2Scales)[number]): Blueprint =>
  blueprint(`mobilenetv2_${name}`, 'mobilenetv2', `MobileNetV2 of width ${width} (Sandler 2018)`, {
    stem: fixedEnds ? 32 : roundedWidth(32 * width),
    stages: scaledStages(mobilenetV2Rows, { width, depth }, fixedEnds),
    activation: 'relu6',
    head: { width: fixedEnds ? 1280 : Math.max(1280, roundedWidth(1280 * width)), place: 'before' },
    dropout: 0.2,
  });

/** `timm:mobilenetv2_NNN`: of any width, in percent. */
export const timmMobilenetV2Named = (id: string): Blueprint | undefined => {
  const percent = /^timm:mobilenetv2_(\d{3})$/.exec(id)?.[1];
  return percent === undefined || Number(percent) === 0 ? undefined : mobilenetV2Of([percent, Number(percent) / 100, 1, false]);
};

const mobilenetV3Widths = [
  ['small', 0.5],
  ['small', 0.75],
  ['small', 1],
  ['large', 0.75],
  ['large', 1],
] as const;

const timmMobilenetV3s = mobilenetV3Widths.map(([size, width]) => {
  const { stages, last, hidden } = mobilenetV3s[size];
  return blueprint(`mobilenetv3_${size}_${percent(width)}`, 'mobilenetv3', `MobileNetV3 ${size} of width ${width} (Howard 2019)`, {
    stem: width < 0.75 ? 16 : roundedWidth(16 * width),
    stages: stages.map((rows) => scaledRows(rows, { width, depth: 1 })),
    activation: 'hard_swish',
    squeeze: v3Squeeze,
    lastStage: roundedWidth(last * width),
    head: { width: hidden, place: 'after' },
    dropout: 0.2,
  });
});

/** timm trains these at other sizes than torchvision. */
const EFFICIENTNET_SIDES = [224, 224, 256, 288, 320];

const timmEfficientnets = efficientnetScales.map((scale, n) =>
  blueprint(
    `efficientnet_b${n}`,
    'efficientnet',
    `EfficientNet-B${n} (Tan 2019)`,
    {
      stem: roundedWidth(32 * scale.width),
      stages: scaledStages(efficientnetRows, scale),
      activation: 'swish',
      squeeze: efficientnetSqueeze,
      head: { width: roundedWidth(1280 * scale.width), place: 'before' },
      dropout: scale.dropout,
    },
    EFFICIENTNET_SIDES[n],
  ),
);

/** EfficientNet without squeeze-and-excitation, with ReLU6, and with stem and head as they are. */
const liteScales: readonly Scale[] = [
  { width: 1, depth: 1, side: 224, dropout: 0.2 },
  { width: 1, depth: 1.1, side: 240, dropout: 0.2 },
  { width: 1.1, depth: 1.2, side: 260, dropout: 0.3 },
  { width: 1.2, depth: 1.4, side: 280, dropout: 0.3 },
  { width: 1.4, depth: 1.8, side: 300, dropout: 0.3 },
];

const efficientnetLites = liteScales.map((scale, n) =>
  blueprint(
    `efficientnet_lite${n}`,
    'efficientnet',
    `EfficientNet-Lite${n}`,
    {
      stem: 32,
      stages: scaledStages(efficientnetRows, scale, true),
      activation: 'relu6',
      head: { width: 1280, place: 'before' },
      dropout: scale.dropout,
    },
    scale.side,
  ),
);

const timmMnasnets = [0.5, 0.75, 1, 1.4].map((width) =>
  blueprint(`mnasnet_${percent(width)}`, 'mnasnet', `MnasNet-B1 of width ${width} (Tan 2019)`, {
    stem: roundedWidth(32 * width),
    stages: scaledStages(mnasnetRows, { width, depth: 1 }),
    activation: 'relu',
    head: { width: 1280, place: 'before' },
    dropout: 0.2,
  }),
);

export const timmMobileNets: readonly Blueprint[] = [
  ...mobilenetV1s,
  ...mobilenetV2Scales.map(mobilenetV2Of),
  ...timmMobilenetV3s,
  ...timmEfficientnets,
  ...efficientnetLites,
  ...timmMnasnets,
];
