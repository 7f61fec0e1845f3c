import type { Graph } from './graph.ts';

export interface MobileNetV2 {
  readonly stem: { readonly width: number; readonly stride: number };
  /** Rows of the paper's table 2: expansion, output channels, repeats, stride of the first. */
  readonly rows: readonly (readonly [expansion: number, channels: number, repeats: number, stride: number])[];
  /** Width of the last 1×1 convolution. */
  readonly last: number;
  readonly dropout: number;
}

/** Sandler 2018 (1801.04381): inverted residuals with linear bottlenecks and ReLU6. */
export function mobilenetV2(graph: Graph, spec: MobileNetV2, classes: number): void {
  const convBnRelu6 = (id: string, convolve: (id: string) => string): void => {
    convolve(`${id}.0`);
    graph.bn(`${id}.1`);
    graph.relu(`${id}.2`, 6);
  };
  convBnRelu6('features.0', (id) => graph.conv(id, spec.stem.width, 3, { stride: spec.stem.stride }));
  let at = 1;
  for (const [expansion, channels, repeats, firstStride] of spec.rows) {
    for (let i = 0; i < repeats; i++) {
      const id = `features.${at++}`;
      const stride = i === 0 ? firstStride : 1;
      const entrance = graph.newest();
      const channelsIn = graph.channels();
      let part = 0;
      if (expansion !== 1) convBnRelu6(`${id}.conv.${part++}`, (conv) => graph.conv(conv, channelsIn * expansion, 1));
      convBnRelu6(`${id}.conv.${part++}`, (conv) => graph.depthwise(conv, 3, stride));
      graph.conv(`${id}.conv.${part++}`, channels, 1);
      const residual = graph.bn(`${id}.conv.${part}`);
      if (stride === 1 && channels === channelsIn) graph.join('Add', `${id}.add`, [entrance, residual]);
    }
  }
  convBnRelu6(`features.${at}`, (id) => graph.conv(id, spec.last, 1));
  graph.globalAverage('avgpool');
  graph.dropout('classifier.0', spec.dropout);
  graph.dense('classifier.1', classes);
}
