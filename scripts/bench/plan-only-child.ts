// A process of its own, as the service's is after its start: `plan-only-child.ts FOLDER` prints the milliseconds of each plan as JSON.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { planAtOnce } from '../../src/jobs/plan-at-once.ts';
import type { JobInput } from '../../src/jobs/types.ts';
import { openBlobs } from '../../src/store/blobs.ts';
import { openCache } from '../../src/store/cache.ts';

const PLANS = 12;
const [folder] = process.argv.slice(2);
const store = { blobs: openBlobs(folder), cache: openCache(join(folder, 'cache'), 1e9) };
const input = JSON.parse(readFileSync(join(folder, 'input.json'), 'utf8')) as JobInput<'prune'>;
const times: number[] = [];
for (let plan = 0; plan < PLANS; plan++) {
  // Each asks for something else, as answers to the same question are kept.
  const request = { ...input.request, target: { ratio: 0.2 + 0.02 * plan } };
  const start = performance.now();
  await planAtOnce(store, { ...input, request }, null);
  times.push(performance.now() - start);
}
console.log(JSON.stringify(times));
