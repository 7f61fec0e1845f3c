import type { ActivationName } from '../core/network/types.ts';
import { roundedWidth } from './blueprint.ts';
import type { Activating, Graph } from './graph.ts';

/** Repeated inverted residual blocks, a row of an architecture's table. */
export interface InvertedRow {
  /** Width of the depthwise convolution against the block's input; 1 leaves the expansion out. */
  readonly expansion: number;
  readonly kernel: number;
  /** Of the first block; the others keep the size. */
  readonly stride: number;
  readonly channels: number;
  readonly repeats: number;
  /** Whether it has a squeeze-and-excitation; a style without one leaves it out everywhere. */
  readonly squeeze: boolean;
  /** Where it is not the network's own. */
  readonly activation?: Activating;
  /** An activation after the projection too and no shortcut: the separable convolutions of MobileNetV1. */
  readonly plain?: boolean;
}

/** Squeeze-and-excitation of these blocks. */
export interface Squeeze {
  /** What a quarter of it makes its width: the block's input, or the expanded map (rounded to a multiple of 8). */
  readonly of: 'input' | 'expanded';
  readonly activation: Activating;
  readonly gate: ActivationName;
}

/** Names of a convolution, the normalisation and the activation after it. */
export interface Place {
  readonly conv: string;
  readonly bn: string;
  readonly act: string;
}

/** Names of a block's parts, which differ with the parts that are there. */
export type BlockNaming = (
  id: string,
  has: { readonly expand: boolean; readonly squeeze: boolean },
) => {
  readonly expand: Place;
  readonly depthwise: Place;
  readonly squeeze: { readonly reduce: string; readonly expand: string };
  readonly project: Place;
};

export interface InvertedStyle {
  readonly activation: Activating;
  readonly squeeze?: Squeeze;
  readonly epsilon?: number;
  readonly naming: BlockNaming;
}

/** The blocks of one row; `idOf` names the n-th. */
export function invertedResiduals(graph: Graph, row: InvertedRow, style: InvertedStyle, idOf: (n: number) => string): void {
  for (let n = 0; n < row.repeats; n++) invertedResidual(graph, idOf(n), { ...row, stride: n === 0 ? row.stride : 1 }, style);
}

/** Sandler 2018 (1801.04381) with the gate of Tan 2019 (1905.11946) and Howard 2019 (1905.02244). */
function invertedResidual(graph: Graph, id: string, row: InvertedRow, style: InvertedStyle): void {
  const { activation = style.activation, kernel, stride, channels } = row;
  const entrance = graph.newest();
  const channelsIn = graph.channels();
  const expanded = roundedWidth(channelsIn * row.expansion);
  const squeeze = row.squeeze ? style.squeeze : undefined;
  const has = { expand: row.expansion !== 1, squeeze: squeeze !== undefined };
  const names = style.naming(id, has);
  const finish = ({ bn, act }: Place): string => {
    graph.bn(bn, style.epsilon);
    return graph.activate(act, activation);
  };
  if (has.expand) {
    graph.conv(names.expand.conv, expanded, 1);
    finish(names.expand);
  }
  graph.depthwise(names.depthwise.conv, kernel, stride);
  finish(names.depthwise);
  if (squeeze !== undefined) {
    const width = squeeze.of === 'input' ? Math.floor(channelsIn / 4) : roundedWidth(Math.floor(graph.channels() / 4));
    graph.squeezeExcite(`${id}.squeeze`, names.squeeze, { ...squeeze, width });
  }
  graph.conv(names.project.conv, channels, 1);
  if (row.plain) {
    finish(names.project);
    return;
  }
  const residual = graph.bn(names.project.bn, style.epsilon);
  if (stride === 1 && channels === channelsIn) graph.join('Add', `${id}.add`, [entrance, residual]);
}

/** torchvision: parts are numbered, and each that has an activation is a sequence of its own. */
export const sequentialNaming =
  (module: string): BlockNaming =>
  (id, has) => {
    let part = 0;
    const next = (): string => `${id}.${module}.${part++}`;
    const place = (at: string): Place => ({ conv: `${at}.0`, bn: `${at}.1`, act: `${at}.2` });
    const expand = place(has.expand ? next() : '');
    const depthwise = place(next());
    const squeeze = has.squeeze ? next() : '';
    return { expand, depthwise, squeeze: { reduce: `${squeeze}.fc1`, expand: `${squeeze}.fc2` }, project: place(next()) };
  };
