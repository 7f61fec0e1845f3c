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

interface Design {
  readonly spec: RegNet;
  /** Whether its blocks have a squeeze-and-excitation: the Y networks. */
  readonly squeeze: boolean;
  readonly fit: Fit;
}

const STEM = 32;
const SQUEEZE = 0.25;
const QUANTUM = 8;

/** Half to even, as PyTorch rounds. */
function rounded(value: number): number {
  const nearest = Math.round(value);
  return nearest - value === 0.5 && nearest % 2 === 1 ? nearest - 1 : nearest;
}

/** A multiple of the group's width near the wanted one. */
type Fit = (wanted: number, group: number) => number;

const torchvisionFit: Fit = (wanted, group) => {
  const near = Math.max(group, Math.floor((wanted + group / 2) / group) * group);
  return near < 0.9 * wanted ? near + group : near;
};

const timmFit: Fit = (wanted, group) => rounded(wanted / group) * group;

/** The stages of equation 2 to 4 of Radosavovic 2020 (2003.13678), widths made to fit the convolution groups. */
function stagesOf({ depth, start, slope, ratio, groupWidth }: RegNet, fit: Fit): Stage[] {
  const counts = new Map<number, number>();
  for (let block = 0; block < depth; block++) {
    const step = rounded(Math.log((start + slope * block) / start) / Math.log(ratio));
    const width = rounded((start * ratio ** step) / QUANTUM) * QUANTUM;
    counts.set(width, (counts.get(width) ?? 0) + 1);
  }
  return [...counts].map(([wanted, repeats]) => {
    const group = Math.min(groupWidth, wanted);
    return { width: fit(wanted, group), repeats, groupWidth: group };
  });
}

function regnet(graph: Graph, { spec, squeeze, fit }: Design, classes: number): void {
  graph.conv('stem.0', STEM, 3, { stride: 2 });
  graph.bn('stem.1');
  graph.relu('stem.2');
  for (const [i, { width, repeats, groupWidth }] of stagesOf(spec, fit).entries()) {
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

/** By hundreds of millions of MACs. */
const lines: Readonly<Record<'x' | 'y', Readonly<Record<string, Line>>>> = {
  x: {
    '002': [13, 24, 36.44, 2.49, 8],
    '004': [22, 24, 24.48, 2.54, 16],
    '006': [16, 48, 36.97, 2.24, 24],
    '008': [16, 56, 35.73, 2.28, 16],
    '016': [18, 80, 34.01, 2.25, 24],
    '032': [25, 88, 26.31, 2.25, 48],
    '040': [23, 96, 38.65, 2.43, 40],
    '064': [17, 184, 60.83, 2.07, 56],
    '080': [23, 80, 49.56, 2.88, 120],
    '120': [19, 168, 73.36, 2.37, 112],
    '160': [22, 216, 55.59, 2.1, 128],
    '320': [23, 320, 69.86, 2, 168],
  },
  y: {
    '002': [13, 24, 36.44, 2.49, 8],
    '004': [16, 48, 27.89, 2.09, 8],
    '006': [15, 48, 32.54, 2.32, 16],
    '008': [14, 56, 38.84, 2.4, 16],
    '016': [27, 48, 20.71, 2.65, 24],
    '032': [21, 80, 42.63, 2.66, 24],
    '040': [22, 96, 31.41, 2.24, 64],
    '064': [25, 112, 33.22, 2.27, 72],
    '080': [17, 192, 76.82, 2.19, 56],
    '120': [19, 168, 73.36, 2.37, 112],
    '160': [18, 200, 106.23, 2.48, 112],
    '320': [20, 232, 115.89, 2.53, 232],
  },
};

/** Those that torchvision has, by its names. */
const torchvisionSizes: Readonly<Record<string, string>> = {
  '400mf': '004',
  '800mf': '008',
  '1_6gf': '016',
  '3_2gf': '032',
  '8gf': '080',
  '16gf': '160',
  '32gf': '320',
};

function design(letter: 'x' | 'y', size: string, fit: Fit): Design {
  const [depth, start, slope, ratio, groupWidth] = lines[letter][size];
  return { spec: { depth, start, slope, ratio, groupWidth }, squeeze: letter === 'y', fit };
}

const timmName = (id: string): string =>
  id
    .replace(/^stem\.0$/, 'stem.conv')
    .replace(/^stem\.1$/, 'stem.bn')
    .replace(/^trunk_output\.block(\d+)\.block\d+-(\d+)/, (_, stage: string, n: string) => `s${stage}.b${Number(n) + 1}`)
    .replace(
      /\.f\.([abc])\.(\d)/,
      (_, place: string, part: string) => `.conv${'abc'.indexOf(place) + 1}.${['conv', 'bn', 'act'][Number(part)]}`,
    )
    .replace('.f.se', '.se')
    .replace(/\.proj\.(\d)/, (_, part: string) => `.downsample.${['conv', 'bn'][Number(part)]}`)
    .replace(/^fc$/, 'head.fc');

const letters = ['x', 'y'] as const;

const torchvisionRegnets = letters.flatMap((letter) =>
  Object.entries(torchvisionSizes).map(([name, size]) =>
    imagenet({
      id: `regnet_${letter}_${name}`,
      family: 'regnet',
      description: `RegNet${letter.toUpperCase()}-${name.replace('_', '.').toUpperCase()} as in torchvision (Radosavovic 2020)`,
      lay: (graph, classes) => regnet(graph, design(letter, size, torchvisionFit), classes),
    }),
  ),
);

const timmRegnets = letters.flatMap((letter) =>
  // Keys such as '120' would come first.
  Object.keys(lines[letter])
    .sort()
    .map((size) =>
      imagenet({
        id: `timm:regnet${letter}_${size}`,
        family: 'regnet',
        description: `RegNet${letter.toUpperCase()} of ${Number(size) / 10} GMACs as in timm (Radosavovic 2020)`,
        lay: (graph, classes) => regnet(graph, design(letter, size, timmFit), classes),
        rename: timmName,
      }),
    ),
);

export const regnets: readonly Blueprint[] = [...torchvisionRegnets, ...timmRegnets];
