import type { Graph } from './graph.ts';

export interface ResNet {
  readonly block: 'basic' | 'bottleneck';
  readonly repeats: readonly number[];
  /** Channels of the first stage; each later stage doubles them. */
  readonly width: number;
  /** `imagenet`: 7×7 at stride 2 and a max pooling; `cifar`: one 3×3. */
  readonly stem: 'imagenet' | 'cifar';
  /** Option A (subsampled identity with zero channels) or B (1×1 projection) of He 2016. */
  readonly shortcut: 'identity' | 'projection';
  readonly groups?: number;
  /** Width of a bottleneck's inner convolutions against the stage's (ResNeXt 32×4d and wide ResNet: 2). */
  readonly innerWidth?: number;
  /** Keras's form: convolutions have a bias, and the first of a bottleneck has the stride (He 2016's own; torchvision's is the second's). */
  readonly keras?: true;
  /** Name of the last layer. */
  readonly head: string;
}

/** He 2016 (1512.03385), Xie 2017 (ResNeXt), Zagoruyko & Komodakis 2016 (wide). */
export function resnet(graph: Graph, spec: ResNet, classes: number): void {
  const useBias = spec.keras === true;
  if (spec.stem === 'imagenet') graph.conv('conv1', spec.width, 7, { stride: 2, useBias });
  else graph.conv('conv1', spec.width, 3);
  graph.bn('bn1');
  graph.relu('relu');
  if (spec.stem === 'imagenet') graph.maxPool('maxpool', 3, 2, { padding: 1 });
  for (const [stage, repeats] of spec.repeats.entries()) {
    for (let i = 0; i < repeats; i++) {
      residualBlock(graph, spec, `layer${stage + 1}.${i}`, spec.width * 2 ** stage, stage > 0 && i === 0 ? 2 : 1);
    }
  }
  graph.globalAverage('avgpool');
  graph.dense(spec.head, classes);
}

function residualBlock(graph: Graph, spec: ResNet, id: string, width: number, stride: number): void {
  const { groups = 1, innerWidth = 1, keras } = spec;
  const useBias = keras === true;
  const entrance = graph.newest();
  const channelsIn = graph.channels();
  const inner = width * innerWidth;
  const convolutions =
    spec.block === 'basic'
      ? ([
          [width, 3, { stride }],
          [width, 3, {}],
        ] as const)
      : ([
          [inner, 1, { stride: useBias ? stride : 1 }],
          [inner, 3, { stride: useBias ? 1 : stride, groups }],
          [width * 4, 1, {}],
        ] as const);
  for (const [i, [filters, kernel, options]] of convolutions.entries()) {
    graph.conv(`${id}.conv${i + 1}`, filters, kernel, { ...options, useBias });
    graph.bn(`${id}.bn${i + 1}`);
    if (i + 1 < convolutions.length) graph.relu(`${id}.relu${i + 1}`);
  }
  const residual = graph.newest();
  const channels = graph.channels();
  const fits = stride === 1 && channels === channelsIn;
  const shortcut = fits ? entrance : shortcutOf(graph, spec, id, entrance, channelsIn, channels, stride);
  graph.join('Add', `${id}.add`, [residual, shortcut]);
  graph.relu(`${id}.relu`);
}

function shortcutOf(
  graph: Graph,
  { shortcut, keras }: ResNet,
  id: string,
  from: string,
  channelsIn: number,
  channels: number,
  stride: number,
): string {
  if (shortcut === 'projection') {
    graph.conv(`${id}.downsample.0`, channels, 1, { stride, useBias: keras === true }, from);
    return graph.bn(`${id}.downsample.1`);
  }
  const before = (channels - channelsIn) / 2;
  const map = Array.from({ length: channels }, (_, o) => (o >= before && o < before + channelsIn ? o - before : -1));
  return graph.add('ChannelMap', `${id}.shortcut`, { map, strides: [stride, stride] }, [from]);
}
