import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { zooDir } from '../../../src/cli/zoo.ts';
import type { Candidate } from '../../../src/core/transfer/index.ts';
import { openEngine, type Engine } from '../../../src/engine/index.ts';
import { listZoo, readZoo } from '../../../src/formats/zoo.ts';
import { inputSizeOf } from '../../../src/jobs/handlers/images.ts';
import { openStore, root, type Store } from '../store.ts';
import { fineTuned, seeds, tunedSchema, type Tuned } from './fine-tune.ts';
import { selectionDocument } from './report.ts';
import { outcomesOf, rowsOf, type Judged } from './rows.ts';
import { scoresOf, type Member } from './scores.ts';
import { imagesOf, targets, type Target } from './targets.ts';

/**
 * Does the ranking foretell which backbone fine-tunes best (issue "recommendation")? Fine-tunes the zoo on targets that it has not
 * seen, target after target, then scores it there, and writes of the targets that are complete docs/selection.md and, for
 * rankings to be calibrated on, src/core/transfer/outcomes.json.
 *
 * @param only targets to fine-tune on; all when empty
 */
export async function selection({ only, threads }: { readonly only: readonly string[]; readonly threads: number }): Promise<void> {
  const engine = await openEngine({ threads });
  const store = await openStore('selection', tunedSchema);
  const cards = await listZoo(zooDir);
  const members = await Promise.all(cards.map(({ name }) => readZoo(zooDir, name)));
  for (const target of targets) {
    if (only.length > 0 && !only.includes(target.id)) continue;
    for (const member of members) await tune(engine, store, target, member);
  }
  const judged: Judged[] = [];
  for (const target of targets) {
    const accuracies = await Promise.all(members.map((member) => accuraciesOf(store, target, member)));
    if (accuracies.every((runs) => runs.length === seeds.length)) judged.push(await judgedTarget(engine, target, members, accuracies));
  }
  if (judged.length === 0) return;
  const { test } = await imagesOf(targets[0], inputSizeOf(members[0].network).height);
  const about = {
    command: 'npm run -s evidence -- selection',
    engine: `${engine.info.backend} ${engine.info.version}`,
    testImages: test.count,
  };
  await mkdir(join(root, 'docs'), { recursive: true });
  await writeFile(join(root, 'docs/selection.md'), selectionDocument(judged, rowsOf(judged), about));
  await writeFile(join(root, 'src/core/transfer/outcomes.json'), `${JSON.stringify(outcomesOf(judged), null, 2)}\n`);
}

/** The weights' hash tells a backbone that was trained again from the one before. */
const keyOf = (target: Target, { card }: Member): string => `${target.id}-${card.name}-${card.hash.slice(0, 8)}`;

async function tune(engine: Engine, store: Store<Tuned>, target: Target, member: Member): Promise<void> {
  for (const seed of seeds) {
    const key = `${keyOf(target, member)}-${seed}`;
    if (await store.get(key)) continue;
    const images = await imagesOf(target, inputSizeOf(member.network).height);
    const tuned = await fineTuned(engine, member.network, images, { seed });
    await store.put(key, tuned);
    console.log(`${key} ${(100 * tuned.accuracy).toFixed(1)} %, epoch ${tuned.bestEpoch} of ${tuned.epochs}`);
  }
}

async function accuraciesOf(store: Store<Tuned>, target: Target, member: Member): Promise<number[]> {
  const runs = await Promise.all(seeds.map((seed) => store.get(`${keyOf(target, member)}-${seed}`)));
  return runs.flatMap((run) => (run ? [run.accuracy] : []));
}

async function judgedTarget(
  engine: Engine,
  target: Target,
  members: readonly Member[],
  accuracies: readonly (readonly number[])[],
): Promise<Judged> {
  const candidates: Candidate[] = [];
  let labels: Int32Array = new Int32Array();
  let classes = 0;
  for (const member of members) {
    const { learn, classNames } = await imagesOf(target, inputSizeOf(member.network).height);
    ({ labels } = learn);
    classes = classNames.length;
    const { scored, redundantShare, cost } = await scoresOf(engine, member, keyOf(target, member), learn, classes);
    const { name } = member.card;
    candidates.push({ id: name, name, scored, redundantShare, flops: cost.flops, params: cost.params });
  }
  return { id: target.id, dataset: target.source.id, labels, classes, candidates, accuracies };
}
