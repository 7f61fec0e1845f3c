import { imagenet, type Blueprint } from './blueprint.ts';
import type { Graph } from './graph.ts';

/** Units of stages 2, 3 and 4. */
const repeats = [4, 8, 4];
const STEM = 24;

/** Widths of the stages and of the last convolution, by the network's width (table 5 of Ma 2018). */
const widths: Readonly<Record<string, { readonly stages: readonly number[]; readonly last: number }>> = {
  x0_5: { stages: [48, 96, 192], last: 1024 },
  x1_0: { stages: [116, 232, 464], last: 1024 },
  x1_5: { stages: [176, 352, 704], last: 1024 },
  x2_0: { stages: [244, 488, 976], last: 2048 },
};

/** Ma 2018 (1807.11164). */
function shufflenet(graph: Graph, stages: readonly number[], last: number, classes: number): void {
  const convolution = (id: string, filters: number, kernel: number, stride: number): void => {
    graph.conv(`${id}.0`, filters, kernel, { stride });
    graph.bn(`${id}.1`);
    graph.relu(`${id}.2`);
  };
  convolution('conv1', STEM, 3, 2);
  graph.maxPool('maxpool', 3, 2, { padding: 1 });
  for (const [i, channels] of stages.entries()) {
    for (let n = 0; n < repeats[i]; n++) unit(graph, `stage${i + 2}.${n}`, channels / 2, n === 0 ? 2 : 1);
  }
  convolution('conv5', last, 1, 1);
  graph.globalAverage('mean');
  graph.dense('fc', classes);
}

/** At stride 1 half of the channels pass by; then the halves are joined and shuffled. */
function unit(graph: Graph, id: string, half: number, stride: number): void {
  const entrance = graph.newest();
  const range = (first: number): number[] => Array.from({ length: half }, (_, c) => first + c);
  let passing: string;
  if (stride === 1) {
    passing = graph.add('ChannelGather', `${id}.passing`, { indices: range(0) }, [entrance]);
    graph.add('ChannelGather', `${id}.taken`, { indices: range(half) }, [entrance]);
  } else {
    graph.depthwise(`${id}.branch1.0`, 3, stride, {}, entrance);
    graph.bn(`${id}.branch1.1`);
    graph.conv(`${id}.branch1.2`, half, 1);
    graph.bn(`${id}.branch1.3`);
    passing = graph.relu(`${id}.branch1.4`);
  }
  graph.conv(`${id}.branch2.0`, half, 1, {}, stride === 1 ? graph.newest() : entrance);
  graph.bn(`${id}.branch2.1`);
  graph.relu(`${id}.branch2.2`);
  graph.depthwise(`${id}.branch2.3`, 3, stride);
  graph.bn(`${id}.branch2.4`);
  graph.conv(`${id}.branch2.5`, half, 1);
  graph.bn(`${id}.branch2.6`);
  graph.join('Concatenate', `${id}.cat`, [passing, graph.relu(`${id}.branch2.7`)]);
  const shuffled = Array.from({ length: 2 * half }, (_, o) => (o % 2) * half + Math.floor(o / 2));
  graph.add('ChannelGather', `${id}.shuffle`, { indices: shuffled });
}

export const shufflenets: readonly Blueprint[] = Object.entries(widths).map(([width, { stages, last }]) =>
  imagenet({
    id: `shufflenet_v2_${width}`,
    family: 'shufflenet',
    description: `ShuffleNetV2 ${width.replace('_', '.')} as in torchvision (Ma 2018)`,
    lay: (graph, classes) => shufflenet(graph, stages, last, classes),
  }),
);
