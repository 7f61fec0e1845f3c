import { describe, expect, it } from 'vitest';
import type { Network, Node } from '../network/index.ts';
import * as make from '../network/testing.ts';
import { dependencyGroups } from './groups.ts';

const close = (from: string, units = 2): Node[] => [make.globalAverage('pool', from), make.dense('classes', 'pool', units)];
const network = (...nodes: Node[]): Network => make.withRandomWeights([make.input([8, 8, 3]), ...nodes]);
const outline = (of: Network) =>
  dependencyGroups(of).map(({ id, size, producers, coupled, locked }) => ({
    id,
    size,
    producers: producers.map(({ node }) => node),
    coupled: coupled.map(({ node }) => node),
    open: locked === undefined,
  }));

describe('dependencyGroups', () => {
  it('joins the producers of a residual sum, says why, and locks the classes', () => {
    const residual = network(
      make.conv('c1', 'input', 4),
      make.norm('b1', 'c1'),
      make.conv('inner', 'b1', 6),
      make.conv('c2', 'inner', 4),
      make.add('sum', 'b1', 'c2'),
      make.relu('r', 'sum'),
      ...close('r'),
    );
    expect(outline(residual)).toEqual([
      { id: 'c1', size: 4, producers: ['c1', 'c2'], coupled: ['b1', 'sum', 'r', 'pool'], open: true },
      { id: 'inner', size: 6, producers: ['inner'], coupled: [], open: true },
      { id: 'classes', size: 2, producers: ['classes'], coupled: [], open: false },
    ]);
    const [first] = dependencyGroups(residual);
    expect(first.coupled[1]).toEqual({ node: 'sum', reason: 'Add adds its inputs channel by channel', channels: [[0], [1], [2], [3]] });
    expect(first.consumers).toEqual([
      { node: 'inner', reason: 'Conv2D reads "b1" and loses these input channels' },
      { node: 'classes', reason: 'Dense reads "pool" and loses these input channels' },
    ]);
  });

  it('shifts the channels of a concatenation, also of a value with itself', () => {
    const joined = network(
      make.conv('c1', 'input', 2),
      make.conv('c2', 'input', 3),
      make.concat('twice', 'c2', 'c1', 'c2'),
      ...close('twice'),
    );
    const [c1, c2] = dependencyGroups(joined);
    expect(c1.coupled[0]).toMatchObject({ node: 'twice', channels: [[3], [4]] });
    expect(c2.coupled[0].channels).toEqual([
      [0, 5],
      [1, 6],
      [2, 7],
    ]);
  });

  it('couples a gate to what it multiplies', () => {
    const gated = network(
      make.conv('c', 'input', 4),
      make.squeeze('squeeze', 'c', [8, 8]),
      make.conv('gate', 'squeeze', 4, { size: 1 }),
      make.multiply('product', 'gate', 'c'),
      ...close('product'),
    );
    expect(outline(gated)[0]).toEqual({
      id: 'c',
      size: 4,
      producers: ['c', 'gate'],
      coupled: ['squeeze', 'product', 'pool'],
      open: true,
    });
  });

  it('parts the channels that a slice takes from the others, so that none of the two is emptied', () => {
    const sliced = network(
      make.conv('c', 'input', 6),
      make.channelGather('half', 'c', [3, 4, 5]),
      make.conv('d', 'half', 2),
      ...close('d'),
    );
    expect(outline(sliced).slice(0, 2)).toEqual([
      { id: 'c', size: 3, producers: ['c'], coupled: [], open: true },
      { id: 'c#2', size: 3, producers: ['c'], coupled: ['half'], open: true },
    ]);
  });

  it('gives a flattened channel all its features', () => {
    const [group] = dependencyGroups(
      network(make.conv('c', 'input', 2, { stride: 4 }), make.flatten('flat', 'c'), make.dense('classes', 'flat', 2)),
    );
    expect(group.coupled[0].channels).toEqual([
      [0, 2, 4, 6],
      [1, 3, 5, 7],
    ]);
  });

  it('ties depthwise outputs to their input, and positions across convolution groups', () => {
    const [depth] = dependencyGroups(network(make.conv('c', 'input', 2), make.depthwise('d', 'c', { depthMultiplier: 2 }), ...close('d')));
    expect(depth).toMatchObject({
      id: 'c',
      size: 2,
      coupled: [
        {
          node: 'd',
          channels: [
            [0, 1],
            [2, 3],
          ],
        },
        { node: 'pool' },
      ],
    });

    const [before, grouped] = dependencyGroups(network(make.conv('c', 'input', 6), make.conv('g', 'c', 4, { groups: 2 }), ...close('g')));
    expect(before.producers).toMatchObject([
      {
        node: 'c',
        channels: [
          [0, 3],
          [1, 4],
          [2, 5],
        ],
      },
    ]);
    expect(grouped.producers).toMatchObject([
      {
        node: 'g',
        channels: [
          [0, 2],
          [1, 3],
        ],
      },
    ]);
  });

  it('lets a channel map couple nothing', () => {
    const optionA = network(
      make.conv('c1', 'input', 2),
      make.conv('c2', 'c1', 4, { stride: 2 }),
      make.channelMap('shortcut', 'c1', [-1, 0, 1, -1], [2, 2]),
      make.add('sum', 'c2', 'shortcut'),
      ...close('sum'),
    );
    expect(outline(optionA).slice(0, 2)).toEqual([
      { id: 'c1', size: 2, producers: ['c1'], coupled: [], open: true },
      { id: 'c2', size: 4, producers: ['c2'], coupled: ['shortcut', 'sum', 'pool'], open: true },
    ]);
  });

  it('locks what is tied to the image, and splits a producer that is tied only in part', () => {
    const tied = network(
      make.conv('c1', 'input', 3),
      make.add('sum', 'c1', 'input'),
      make.conv('wide', 'sum', 5),
      make.conv('narrow', 'sum', 2),
      make.concat('both', 'sum', 'narrow'),
      make.add('mixed', 'both', 'wide'),
      ...close('mixed'),
    );
    expect(outline(tied).map(({ id, size, producers, open }) => [id, size, producers, open])).toEqual([
      ['c1', 3, ['c1', 'wide'], false],
      ['wide', 2, ['wide', 'narrow'], true],
      ['classes', 2, ['classes'], false],
    ]);
    expect(dependencyGroups(tied)[0].locked).toBe('"input" is the image');
  });

  it('numbers the groups that start at one layer', () => {
    const split = network(
      make.conv('wide', 'input', 5),
      make.conv('a', 'input', 2),
      make.conv('b', 'input', 3),
      make.concat('both', 'a', 'b'),
      make.add('sum', 'wide', 'both'),
      ...close('sum'),
    );
    expect(outline(split).map(({ id, size, producers }) => [id, size, producers])).toEqual([
      ['wide', 2, ['wide', 'a']],
      ['wide#2', 3, ['wide', 'b']],
      ['classes', 2, ['classes']],
    ]);
  });

  it('locks outputs that nothing reads and inputs of an inner Softmax', () => {
    const [c1, c2] = dependencyGroups(
      network(
        make.conv('c1', 'input', 4),
        make.conv('c2', 'c1', 4),
        make.softmax('attention', 'c1'),
        make.conv('c3', 'attention', 4),
        ...close('c3'),
      ),
    );
    expect(c1.locked).toBe('"attention" (Softmax) normalises over all its channels');
    expect(c2.locked).toBe('"c2" is the network\'s output');
  });
});
