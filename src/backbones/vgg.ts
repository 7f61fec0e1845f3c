import type { Graph } from './graph.ts';

export interface Vgg {
  /** Stages of 3×3 convolutions by their widths; a 2×2 max pooling after each. */
  readonly stages: readonly (readonly number[])[];
  readonly batchNormalization: boolean;
  /** Bias of the convolutions; torchvision keeps it beside batch normalisation. */
  readonly useBias: boolean;
  /** What turns the last map into features. */
  readonly pool: 'flatten' | 'average';
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

/** Stages of configurations A, B, D and E: so many convolutions of 64, 128, 256, 512 and 512. */
export function vggStages(...counts: readonly number[]): readonly (readonly number[])[] {
  const widths = [64, 128, 256, 512, 512];
  return counts.map((count, stage) => Array.from({ length: count }, () => widths[stage]));
}
