import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { deserialize, serialize } from 'node:v8';
import { zooDir } from '../../../src/cli/zoo.ts';
import type { ImageSet } from '../../../src/core/images.ts';
import type { Network } from '../../../src/core/network/index.ts';
import type { Engine } from '../../../src/engine/index.ts';
import { readZooQuantiles, type ZooCard } from '../../../src/formats/zoo.ts';
import { observe } from '../../../src/jobs/handlers/recommend/observe.ts';
import type { Observed } from '../../../src/jobs/recommendation/entries.ts';
import { replaceFile } from '../../../src/store/files.ts';
import { root } from '../store.ts';

export interface Member {
  readonly network: Network;
  readonly card: ZooCard;
}

/** Every score of a backbone on the images to learn from, as the service finds it; kept in .cache/evidence/selection-scores. */
export async function scoresOf(
  engine: Engine,
  { network, card }: Member,
  key: string,
  learn: ImageSet,
  classes: number,
): Promise<Observed> {
  const folder = join(root, '.cache/evidence/selection-scores');
  const path = join(folder, key);
  if (existsSync(path)) return deserialize(await readFile(path)) as Observed;
  const source = { weights: null, accuracy: card.accuracy, quantiles: await readZooQuantiles(zooDir, card.name) };
  const about = { engine, classes, seed: 0, progress: () => undefined, signal: new AbortController().signal };
  const observed = await observe(about, network, learn, source);
  await mkdir(folder, { recursive: true });
  await replaceFile(path, serialize(observed));
  return observed;
}
