import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { checkGolden, type Golden } from '../scripts/golden/check.ts';
import { openEngine, type Engine } from '../src/engine/index.ts';

const folder = join(import.meta.dirname, '../../shared/golden');
let engine: Engine;

// All of them take minutes: npm run golden.
describe.skipIf(!existsSync(folder))('backbones against their references (needs ../shared/golden)', () => {
  beforeAll(async () => {
    engine = await openEngine();
  });

  it.each(['squeezenet1_1', 'mobilenet_v3_small', 'shufflenet_v2_x1_0', 'timm-efficientnet_lite0'])('%s', async (name) => {
    const golden = JSON.parse(readFileSync(join(folder, `${name}.json`), 'utf8')) as Golden;
    const checks = await checkGolden(engine, golden);
    expect(checks.filter(({ difference }) => difference !== undefined)).toEqual([]);
    expect(checks.map(({ what }) => what).slice(0, 3)).toEqual(['macs', 'params', 'logits']);
  });

  it('sees one layer that is different', async () => {
    const golden = JSON.parse(readFileSync(join(folder, 'squeezenet1_1.json'), 'utf8')) as Golden;
    const [first, ...others] = golden.logitsFirst16;
    const checks = await checkGolden(engine, {
      ...golden,
      macs: golden.macs + 1,
      logitsFirst16: [first + 0.01 * golden.logitsAbsMean, ...others],
    });
    expect(checks.map(({ what, difference }) => [what, difference === undefined])).toEqual([
      ['macs', false],
      ['params', true],
      ['logits', false],
      ['prune', true],
    ]);
  });
});
