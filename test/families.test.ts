import { beforeAll, describe, expect, it } from 'vitest';
import { KINDS, proveHalf, randomImages, subject } from '../scripts/proof/check.ts';
import { architectures } from '../src/backbones/index.ts';
import { openEngine, type Engine } from '../src/engine/index.ts';

const SIDE = 64;
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
