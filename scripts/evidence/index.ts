// Whether what the product does is right, measured: `npm run -s evidence -- pruning|selection [--only KEY ...] [--threads N]`. Both resume.
import { parseArgs } from 'node:util';
import { pruning } from './pruning/index.ts';
import { selection } from './selection/index.ts';

const evidences = { pruning, selection };

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { only: { type: 'string', multiple: true, default: [] }, threads: { type: 'string', default: '2' } },
});
const evidence = Object.entries(evidences).find(([name]) => name === positionals[0])?.[1];
const threads = Number(values.threads);
if (evidence === undefined || !Number.isInteger(threads) || threads < 1) {
  console.error(`Usage: npm run -s evidence -- ${Object.keys(evidences).join('|')} [--only KEY ...] [--threads N]`);
  process.exit(2);
}
await evidence({ only: values.only, threads });
