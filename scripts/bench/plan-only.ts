import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { median } from '../../src/core/stats/index.ts';
import { networkHash } from '../../src/formats/network.ts';
import { summarise, writeWeights } from '../../src/jobs/handlers/models.ts';
import { pruneRequest } from '../../src/schema/prunings.ts';
import { openBlobs } from '../../src/store/blobs.ts';
import { openCache } from '../../src/store/cache.ts';
import { resnet50 } from './networks.ts';
import type { Figure } from './types.ts';

const PROCESSES = 3;
const id = (prefix: string): string => `${prefix}_${'0'.repeat(26)}`;

/** Milliseconds of a plan alone, by L1, of a stored ResNet-50 for ten other classes: the first of a process, and those after it. */
export async function* planOnly(): AsyncGenerator<Figure> {
  const folder = await mkdtemp(join(tmpdir(), 'espalier-bench-'));
  try {
    await writeFile(join(folder, 'input.json'), JSON.stringify(await arrived(folder)));
    const script = join(import.meta.dirname, 'plan-only-child.ts');
    const times = Array.from({ length: PROCESSES }, () => {
      const printed = execFileSync(process.execPath, ['--import', 'tsx', script, folder], { encoding: 'utf8' });
      return JSON.parse(printed) as number[];
    });
    yield { name: 'plan only resnet50 first', value: median(times.map(([first]) => first)), unit: 'ms' };
    yield { name: 'plan only resnet50 warm', value: median(times.flatMap((own) => own.slice(1))), unit: 'ms' };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Stores the model as its import does; what the service then asks for. */
async function arrived(folder: string): Promise<object> {
  const network = resnet50();
  const store = { blobs: openBlobs(folder), cache: openCache(join(folder, 'cache'), 1e9) };
  const { hash: blob } = await writeWeights(store, network);
  const model = {
    id: id('mdl'),
    name: 'resnet50',
    blob,
    contentHash: networkHash(network),
    summary: summarise(network, { format: 'safetensors' }),
  };
  const counts = { train: 1000, validation: 200, test: 200 };
  const classes = Array.from({ length: 10 }, (_, at) => ({ name: `class ${at}`, train: 100, validation: 20, test: 20 }));
  const dataset = { id: id('dst'), name: 'pets', blob: 'd'.repeat(64), report: { classes, counts } };
  const request = pruneRequest.parse({ model: model.id, dataset: dataset.id, criterion: 'l1', target: { ratio: 0.3 }, planOnly: true });
  return { request, model, dataset };
}
