import type { Graph } from './graph.ts';

/** Widths of the squeeze convolution and of each of the two expand convolutions. */
export type Fire = readonly [squeeze: number, expand: number];

export interface SqueezeNet {
  readonly stem: { readonly width: number; readonly kernel: number; readonly stride: number; readonly padding: number };
  /** Fire modules; a 3×3 max pooling at stride 2 before each group. */
  readonly groups: readonly (readonly Fire[])[];
  readonly batchNormalization: boolean;
  /**
   * `convolution`: 1×1 convolution, ReLU, average (Iandola 2016); `dense`: average, then Dense. The second has no ReLU on the logits
   * and makes the pooled map the features.
   */
  readonly head: 'convolution' | 'dense';
  readonly dropout: number;
}

/** Iandola 2016 (1602.07360). */
export function squeezenet(graph: Graph, spec: SqueezeNet, classes: number): void {
  const convolution = (id: string, filters: number, kernel: number, options = {}, from = graph.newest()): string => {
    graph.conv(id, filters, kernel, { useBias: !spec.batchNormalization, ...options }, from);
    if (spec.batchNormalization) graph.bn(`${id}_bn`);
    return graph.relu(`${id}_relu`);
  };
  const { width, kernel, stride, padding } = spec.stem;
  convolution('features.0', width, kernel, { stride, padding });
  // torchvision counts the stem and its ReLU as 0 and 1.
  let at = 2;
  for (const group of spec.groups) {
    graph.maxPool(`features.${at++}`, 3, 2, { ceil: true });
    for (const [squeeze, expand] of group) {
      const id = `features.${at++}`;
      const squeezed = convolution(`${id}.squeeze`, squeeze, 1);
      const narrow = convolution(`${id}.expand1x1`, expand, 1, {}, squeezed);
      const wide = convolution(`${id}.expand3x3`, expand, 3, {}, squeezed);
      graph.join('Concatenate', `${id}.cat`, [narrow, wide]);
    }
  }
  if (spec.head === 'dense') {
    graph.globalAverage('avgpool');
    graph.dropout('classifier.0', spec.dropout);
    graph.dense('classifier.1', classes);
    return;
  }
  graph.dropout('classifier.0', spec.dropout);
  graph.conv('classifier.1', classes, 1, { useBias: true });
  graph.relu('classifier.2');
  graph.globalAverage('classifier.3');
}
