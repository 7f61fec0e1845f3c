// Times the product: `npm run -s bench -- train|infer|memory|decode|ops|dice|logme|scores|prune|import [threads] [backend]`. One JSON line a figure, with the names that a rival's bench would give.
import type { BackendName } from '../../src/engine/index.ts';
import { decode } from './decode.ts';
import { dice } from './dice.ts';
import { importModels } from './import.ts';
import { infer } from './infer.ts';
import { logme } from './logme.ts';
import { memory } from './memory.ts';
import { ops } from './ops.ts';
import { prune } from './prune.ts';
import { scores } from './scores.ts';
import { train } from './train.ts';
import type { BenchOptions, Figure } from './types.ts';

const benches: Readonly<Record<string, (options: BenchOptions) => AsyncIterable<Figure>>> = {
  train,
  infer,
  memory,
  decode,
  ops,
  dice,
  logme,
  scores,
  prune,
  import: importModels,
};

const backends: readonly BackendName[] = ['tensorflow', 'wasm'];

const [what = '', threadsGiven = '2', backendGiven = 'tensorflow'] = process.argv.slice(2);
const bench = benches[what];
const threads = Number(threadsGiven);
const backend = backends.find((name) => name === backendGiven);
if (bench === undefined || backend === undefined || !Number.isInteger(threads) || threads < 1) {
  console.error(`Usage: npm run -s bench -- ${Object.keys(benches).join('|')} [threads] [${backends.join('|')}]`);
  process.exit(2);
}
const suffix = backend === 'tensorflow' ? '' : ` ${backend}`;
for await (const { name, value, unit } of bench({ threads, backend })) {
  console.log(JSON.stringify({ tool: 'espalier', name: `${name}${suffix}`, value: Number(value.toFixed(4)), unit, threads }));
}
