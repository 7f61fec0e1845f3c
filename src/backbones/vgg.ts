import type { Graph } from './graph.ts';

export interface Vgg {
  /** Stages of 3×3 convolutions by their widths; a 2×2 max pooling after each. */
  readonly stages: readonly (readonly number[])[];
  readonly batchNormalization: boolean;
  /** Bias of the convolutions; torchvision keeps it beside batch normalisation. */
  readonly useBias: boolean;
  /** What turns the last map into features; `convolution` is timm's: the hidden layers are convolutions of it, averaged after them. */
  readonly pool: 'flatten' | 'average' | 'convolution';
  /** Widths of the hidden Dense layers. */
  readonly hidden: readonly number[];
  /** Dropout after each hidden layer, 0 for none. */
  readonly dropout: number;
}

/** Simonyan & Zisserman 2015 (1409.1556); batch normalisation as torchvision adds it. */
export function vgg(graph: Graph, spec: Vgg, classes: number): void {
  let at = 0;
  for (const widths of spec.stages) {
    for (const width of widths) {
      graph.conv(`features.${at++}`, width, 3, { useBias: spec.useBias });
      if (spec.batchNormalization) graph.bn(`features.${at++}`);
      graph.relu(`features.${at++}`);
    }
    graph.maxPool(`features.${at++}`, 2, 2);
  }
  if (spec.pool === 'convolution') return convolutionalHead(graph, spec, classes);
  if (spec.pool === 'flatten') graph.add('Flatten', 'flatten', {});
  else graph.globalAverage('avgpool');
  at = 0;
  for (const width of spec.hidden) {
    graph.dense(`classifier.${at++}`, width);
    graph.relu(`classifier.${at++}`);
    if (spec.dropout > 0) graph.dropout(`classifier.${at++}`, spec.dropout);
  }
  graph.dense(`classifier.${at}`, classes);
}

/** The last map's side in the original, which the first hidden layer covers. */
const LAST_SIDE = 7;

function convolutionalHead(graph: Graph, { hidden, dropout }: Vgg, classes: number): void {
  for (const [i, width] of hidden.entries()) {
    graph.conv(`pre_logits.fc${i + 1}`, width, i === 0 ? LAST_SIDE : 1, { padding: 0, useBias: true });
    graph.relu(`pre_logits.act${i + 1}`);
  }
  graph.globalAverage('head.global_pool');
  graph.dropout('head.drop', dropout);
  graph.dense('head.fc', classes);
}

/** Stages of configurations A, B, D and E: so many convolutions of 64, 128, 256, 512 and 512. */
export function vggStages(...counts: readonly number[]): readonly (readonly number[])[] {
  const widths = [64, 128, 256, 512, 512];
  return counts.map((count, stage) => Array.from({ length: count }, () => widths[stage]));
}
