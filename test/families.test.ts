import { beforeAll, describe, expect, it } from 'vitest';
import { KINDS, proveHalf, randomImages, subject } from '../scripts/proof/check.ts';
import { architectures, buildBackbone } from '../src/backbones/index.ts';
import { createPlanner } from '../src/core/prune/index.ts';
import { openEngine, type Engine } from '../src/engine/index.ts';

const SIDE = 64;
const CLASSES = 10;
const images = randomImages(SIDE);
/** The smallest of each family; the whole catalogue by every kind of criterion takes an hour: npm run proof. */
const SMALL = [
  'cifar-resnet20',
  'vgg-small',
  'squeezenet-small',
  'custom-cnn',
  'mobilenetv2-small',
  'timm:mobilenetv3_small_050',
  'mnasnet0_5',
  'densenet-small',
  // Where others give up: its slices and shuffles are gathered channels here.
  'shufflenet_v2_x0_5',
];
/** Families without a small member, by some kinds. */
const LARGE: readonly (readonly [string, readonly string[]])[] = [
  ['timm:efficientnet_lite0', ['dice-greedy', 'apoz']],
  ['timm:mobilenetv1_100', ['l1', 'taylor']],
  ['googlenet', ['dice-greedy', 'apoz']],
  ['timm:regnety_002', ['l1', 'apoz']],
  ['convnext_tiny', ['l1', 'taylor']],
];

let engine: Engine;
beforeAll(async () => {
  engine = await openEngine();
});

async function prove(id: string, kinds: typeof KINDS): Promise<void> {
  const network = subject(id, SIDE);
  for (const kind of kinds) {
    const { change, flops } = await proveHalf(engine, network, images, kind);
    // Of networks that the cut does not change the proof would hold too.
    expect(change).toBeGreaterThan(1e-2);
    expect(flops).toBeLessThan(0.95);
  }
}

describe('masked ≡ compacted, by every kind of criterion', () => {
  it.each(SMALL)('%s', (id) => prove(id, KINDS));

  it.each(LARGE)('%s by %s', (id, criteria) =>
    prove(
      id,
      KINDS.filter(([criterion]) => criteria.includes(criterion)),
    ),
  );

  it('leaves no family out', () => {
    const families = (ids: readonly string[]): Set<string> =>
      new Set(
        architectures()
          .filter(({ id }) => ids.includes(id))
          .map(({ family }) => family),
      );
    expect(families([...SMALL, ...LARGE.map(([id]) => id)])).toEqual(families(architectures().map(({ id }) => id)));
  });
});

it.each(SMALL)('%s comes within two hundredths of a target of FLOPs or parameters, however its channels are ranked', (id) => {
  const network = buildBackbone(id, { classes: CLASSES, seed: 1 });
  for (const ranking of ['local', 'global', 'isomorphic'] as const) {
    for (const roundTo of [1, 8]) {
      const planner = createPlanner(network, { criterion: 'l1', ranking, roundTo, layers: 'conv', seed: 1 });
      const { before } = planner({ ratio: 0.1 }).cost;
      for (const share of [0.9, 0.6, 0.3]) {
        for (const target of [{ flops: share * before.flops }, { params: share * before.params }]) {
          const [[metric, amount]] = Object.entries(target) as ['flops' | 'params', number][];
          const reached = planner(target).cost.after[metric] / amount;
          expect(reached, `${ranking} ${roundTo} ${metric} ${share}`).toBeLessThanOrEqual(1);
          expect(reached, `${ranking} ${roundTo} ${metric} ${share}`).toBeGreaterThan(0.98);
        }
      }
    }
  }
});
