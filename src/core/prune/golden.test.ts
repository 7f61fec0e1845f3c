import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { buildBackbone } from '../../backbones/index.ts';
import { costOf, type Network } from '../network/index.ts';
import { cut } from './cut.ts';
import { planPruning } from './plan.ts';

/** What Torch-Pruning 1.6.1 leaves at a uniform ratio of ½: OIHW shapes and groups of the convolutions, MACs, parameters. */
interface Golden {
  readonly pruneHalf: { readonly macs: number; readonly params: number; readonly conv: [string, number[], number][] };
}

const folder = new URL('../../../../shared/golden/', import.meta.url);

function convolutions({ nodes, weights }: Network): string[] {
  return nodes.flatMap(({ id, kind, config }) => {
    if (kind !== 'Conv2D' && kind !== 'DepthwiseConv2D') return [];
    const [height, width, channels, last] = weights.get(`${id}/kernel`)?.shape ?? [];
    return kind === 'Conv2D'
      ? [[last, channels, height, width, config.groups].join()]
      : [[channels * last, 1, height, width, channels].join()];
  });
}

describe('half of every group', () => {
  it.skipIf(!existsSync(folder)).each(['squeezenet1_1', 'mobilenet_v2', 'resnext50_32x4d'])(
    "leaves %s Torch-Pruning's widths, MACs and parameters (needs ../shared/golden)",
    (id) => {
      const { pruneHalf }: Golden = JSON.parse(readFileSync(new URL(`${id}.json`, folder), 'utf8'));
      const network = buildBackbone(id, { seed: 1 });
      const half = cut(network, planPruning(network, { criterion: 'l1', target: { ratio: 0.5 }, layers: 'all', seed: 1 }));
      expect(costOf(half)).toMatchObject({ macs: pruneHalf.macs, params: pruneHalf.params });
      expect(convolutions(half).sort()).toEqual(pruneHalf.conv.map(([, shape, groups]) => [...shape, groups].join()).sort());
    },
    30_000,
  );
});
