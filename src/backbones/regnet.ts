import { imagenet, type Blueprint } from './blueprint.ts';
import type { Graph } from './graph.ts';

/** The line of block widths that a RegNet is quantised from. */
export interface RegNet {
  readonly depth: number;
  /** Width of the first block. */
  readonly start: number;
  /** Growth of the widths a block. */
  readonly slope: number;
  /** Ratio of the widths of two stages. */
  readonly ratio: number;
  /** Channels of a convolution group. */
  readonly groupWidth: number;
}

interface Stage {
  readonly width: number;
  readonly repeats: number;
  readonly groupWidth: number;
}

const STEM = 32;
const SQUEEZE = 0.25;
const QUANTUM = 8;

/** Half to even, as PyTorch rounds. */
function rounded(value: number): number {
  const nearest = Math.round(value);
  return nearest - value === 0.5 && nearest % 2 === 1 ? nearest - 1 : nearest;
}

/** The stages of equation 2 to 4 of Radosavovic 2020 (2003.13678), widths made to fit the convolution groups. */
function stagesOf({ depth, start, slope, ratio, groupWidth }: RegNet): Stage[] {
  const counts = new Map<number, number>();
  for (let block = 0; block < depth; block++) {
    const step = rounded(Math.log((start + slope * block) / start) / Math.log(ratio));
    const width = rounded((start * ratio ** step) / QUANTUM) * QUANTUM;
    counts.set(width, (counts.get(width) ?? 0) + 1);
  }
  return [...counts].map(([wanted, repeats]) => {
    const group = Math.min(groupWidth, wanted);
    const below = Math.max(group, Math.floor((wanted + group / 2) / group) * group);
    return { width: below < 0.9 * wanted ? below + group : below, repeats, groupWidth: group };
  });
}

function regnet(graph: Graph, spec: RegNet, squeeze: boolean, classes: number): void {
  graph.conv('stem.0', STEM, 3, { stride: 2 });
  graph.bn('stem.1');
  graph.relu('stem.2');
  for (const [i, { width, repeats, groupWidth }] of stagesOf(spec).entries()) {
    for (let n = 0; n < repeats; n++) {
      block(graph, `trunk_output.block${i + 1}.block${i + 1}-${n}`, {
        width,
        groups: width / groupWidth,
        stride: n === 0 ? 2 : 1,
        squeeze,
      });
    }
  }
  graph.globalAverage('avgpool');
  graph.dense('fc', classes);
}

interface Block {
  readonly width: number;
  readonly groups: number;
  readonly stride: number;
  readonly squeeze: boolean;
}

function block(graph: Graph, id: string, { width, groups, stride, squeeze }: Block): void {
  const entrance = graph.newest();
  const channelsIn = graph.channels();
  const convolution = (name: string, kernel: number, options: { readonly stride?: number; readonly groups?: number }): string => {
    graph.conv(`${id}.f.${name}.0`, width, kernel, options);
    return graph.bn(`${id}.f.${name}.1`);
  };
  convolution('a', 1, {});
  graph.relu(`${id}.f.a.2`);
  convolution('b', 3, { stride, groups });
  graph.relu(`${id}.f.b.2`);
  if (squeeze) {
    const names = { reduce: `${id}.f.se.fc1`, expand: `${id}.f.se.fc2` };
    graph.squeezeExcite(`${id}.f.se`, names, { width: rounded(SQUEEZE * channelsIn), activation: 'relu', gate: 'sigmoid' });
  }
  const residual = convolution('c', 1, {});
  let shortcut = entrance;
  if (stride !== 1 || channelsIn !== width) {
    graph.conv(`${id}.proj.0`, width, 1, { stride }, entrance);
    shortcut = graph.bn(`${id}.proj.1`);
  }
  graph.join('Add', `${id}.add`, [residual, shortcut]);
  graph.relu(`${id}.activation`);
}

type Line = readonly [depth: number, start: number, slope: number, ratio: number, groupWidth: number];

const lines: Readonly<Record<'x' | 'y', Readonly<Record<string, Line>>>> = {
  x: {
    '400mf': [22, 24, 24.48, 2.54, 16],
    '800mf': [16, 56, 35.73, 2.28, 16],
    '1_6gf': [18, 80, 34.01, 2.25, 24],
    '3_2gf': [25, 88, 26.31, 2.25, 48],
    '8gf': [23, 80, 49.56, 2.88, 120],
    '16gf': [22, 216, 55.59, 2.1, 128],
    '32gf': [23, 320, 69.86, 2.0, 168],
  },
  y: {
    '400mf': [16, 48, 27.89, 2.09, 8],
    '800mf': [14, 56, 38.84, 2.4, 16],
    '1_6gf': [27, 48, 20.71, 2.65, 24],
    '3_2gf': [21, 80, 42.63, 2.66, 24],
    '8gf': [17, 192, 76.82, 2.19, 56],
    '16gf': [18, 200, 106.23, 2.48, 112],
    '32gf': [20, 232, 115.89, 2.53, 232],
  },
};

export const regnets: readonly Blueprint[] = (['x', 'y'] as const).flatMap((letter) =>
  Object.entries(lines[letter]).map(([size, [depth, start, slope, ratio, groupWidth]]) =>
    imagenet({
      id: `regnet_${letter}_${size}`,
      family: 'regnet',
      description: `RegNet${letter.toUpperCase()}-${size.replace('_', '.').toUpperCase()} as in torchvision (Radosavovic 2020)`,
      lay: (graph, classes) => regnet(graph, { depth, start, slope, ratio, groupWidth }, letter === 'y', classes),
    }),
  ),
);
