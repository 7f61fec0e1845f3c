import type { Shape } from '../core/network/types.ts';
import { imagenet, type Blueprint } from './blueprint.ts';
import type { Graph } from './graph.ts';

export interface ConvNeXt {
  readonly widths: readonly number[];
  readonly repeats: readonly number[];
}

const EPSILON = 1e-6;
/** Width of the hidden convolution against the block's. */
const EXPANSION = 4;

/** Liu 2022 (2201.03545). Its pointwise linear layers are 1×1 convolutions here. */
function convnext(graph: Graph, { widths, repeats }: ConvNeXt, classes: number): void {
  graph.conv('features.0.0', widths[0], 4, { stride: 4, padding: 0, useBias: true });
  graph.layerNorm('features.0.1', EPSILON);
  for (const [stage, width] of widths.entries()) {
    if (stage > 0) {
      graph.layerNorm(`features.${2 * stage}.0`, EPSILON);
      graph.conv(`features.${2 * stage}.1`, width, 2, { stride: 2, padding: 0, useBias: true });
    }
    for (let n = 0; n < repeats[stage]; n++) block(graph, `features.${2 * stage + 1}.${n}`, width);
  }
  graph.globalAverage('avgpool');
  graph.layerNorm('classifier.0', EPSILON);
  graph.dense('classifier.2', classes);
}

function block(graph: Graph, id: string, width: number): void {
  const entrance = graph.newest();
  graph.depthwise(`${id}.block.0`, 7, 1, { useBias: true });
  graph.layerNorm(`${id}.block.2`, EPSILON);
  graph.conv(`${id}.block.3`, EXPANSION * width, 1, { useBias: true });
  graph.activate(`${id}.block.4`, 'gelu');
  graph.conv(`${id}.block.5`, width, 1, { useBias: true });
  const residual = graph.add('LayerScale', `${id}.layer_scale`, {});
  graph.join('Add', `${id}.add`, [residual, entrance]);
}

const members: Readonly<Record<string, ConvNeXt>> = {
  tiny: { widths: [96, 192, 384, 768], repeats: [3, 3, 9, 3] },
  small: { widths: [96, 192, 384, 768], repeats: [3, 3, 27, 3] },
  base: { widths: [128, 256, 512, 1024], repeats: [3, 3, 27, 3] },
  large: { widths: [192, 384, 768, 1536], repeats: [3, 3, 27, 3] },
};

const timmParts: Readonly<Record<string, string>> = { '0': 'conv_dw', '2': 'norm', '3': 'mlp.fc1', '4': 'mlp.act', '5': 'mlp.fc2' };

const timmName = (id: string): string =>
  id
    .replace(/^features\.0\.(\d)$/, 'stem.$1')
    .replace(/^features\.(\d)\.([01])$/, (_, stage: string, part: string) => `stages.${Number(stage) / 2}.downsample.${part}`)
    .replace(/^features\.(\d)\.(\d+)/, (_, stage: string, n: string) => `stages.${(Number(stage) - 1) / 2}.blocks.${n}`)
    .replace(/\.block\.(\d)/, (_, part: string) => `.${timmParts[part]}`)
    .replace(/\.layer_scale$/, '.gamma')
    .replace(/^classifier\.0$/, 'head.norm')
    .replace(/^classifier\.2$/, 'head.fc');

/** Linear layers, and factors that stand before height and width, in the original. */
const storedShape = (name: string, shape: Shape): Shape =>
  /\.(block\.[35]|mlp\.fc[12])\.weight$/.test(name) ? shape.slice(0, 2) : name.endsWith('.layer_scale') ? [...shape, 1, 1] : shape;

const of = (library: string, [size, spec]: readonly [string, ConvNeXt]) => ({
  family: 'convnext',
  description: `ConvNeXt ${size} as in ${library} (Liu 2022)`,
  lay: (graph: Graph, classes: number) => convnext(graph, spec, classes),
  storedShape,
});

export const convnexts: readonly Blueprint[] = Object.entries(members).flatMap((member) => [
  imagenet({ id: `convnext_${member[0]}`, ...of('torchvision', member) }),
  imagenet({ id: `timm:convnext_${member[0]}`, ...of('timm', member), rename: timmName }),
]);
