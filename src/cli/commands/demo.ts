import { pc } from '../colour.ts';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Command } from 'commander';
import { z } from '@hono/zod-openapi';
import { encodePng } from '../../formats/images.ts';
import { engineReport } from '../../schema/common.ts';
import { dataset } from '../../schema/datasets.ts';
import { job } from '../../schema/jobs.ts';
import { printed, run } from '../command.ts';
import { loadDigits } from '../digits.ts';
import { pruningOf, recommendationOf, savePruning } from '../requests.ts';
import { addModel, linkOf } from '../resolve.ts';
import { recommendationView } from '../recommend-view.ts';
import { planLine, pruneReportView } from '../results.ts';
import { savedText } from '../save.ts';
import { follow, type Session } from '../session.ts';
import { datasetLine, modelsView } from '../views.ts';
import { zooNames } from '../zoo.ts';

const FOLDER = join('out', 'demo');

/** `espalier demo`: the main job on a small dataset of digits, through the API like every other command. */
export function addDemoCommand(program: Command): void {
  program
    .command('demo')
    .description('the whole road on handwritten digits: recommend, fine-tune, prune, fine-tune, write the artifact')
    .action(
      run(async (session) => {
        const say = (text: string): void => void (session.json || process.stdout.write(`${text}\n`));
        const { engine } = await session.client.get('/readyz', z.object({ engine: engineReport }));
        say(
          `engine ${pc.bold(`${engine.backend} ${engine.version}`)}, ${engine.threads} ${engine.threads === 1 ? 'thread' : 'threads'}, ${engine.device}: ${engine.reason}`,
        );

        say(heading('Backbones and their Dice diversity'));
        const backbones = [];
        for (const name of zooNames()) backbones.push(await addModel(session, `zoo:${name}`));
        say(modelsView(backbones));

        say(heading('A dataset that none of them has seen'));
        const { archive, examples } = await loadDigits();
        const digits = await addDigits(session, archive);
        say(datasetLine(digits));

        say(heading('Which one to start from'));
        const recommendation = await recommendationOf(session, { dataset: digits.id, candidates: backbones.map(({ id }) => id) });
        say(recommendationView(recommendation));

        say(heading('Fine-tune, prune with Dice, recalibrate, fine-tune'));
        const pruning = await pruningOf(session, recommendation.next);
        const { saved, artifact } = await savePruning(session, pruning);
        say(`plan   ${planLine(pruning)}`);
        if (pruning.report) say(pruneReportView(pruning.report));

        const image = await writeExample(examples[7], 'seven.png');
        const next = [
          `espalier predict ${artifact.id} ${image}`,
          `espalier evaluate ${artifact.id} ${digits.name}`,
          `espalier profile ${artifact.id} --data ${digits.name}`,
          `espalier recommend ${digits.name} --flops-max 10M`,
          'espalier serve',
        ].map((command) => `  npm run -s ${command.replace(/^espalier/, 'espalier --')}`);
        const text = [`artifact  ${savedText(saved)}`, '', 'Next, for example:', ...next];
        printed(session, { recommendation, pruning, folder: saved.folder }, `\n${text.join('\n')}`);
      }),
    );
}

const heading = (text: string): string => `\n${pc.bold(text)}`;

async function addDigits(session: Session, archive: ReadableStream<Uint8Array>) {
  const answer = await session.client.send('/datasets?fileName=digits.tar&name=digits', archive, z.union([dataset, job]));
  if (!('state' in answer)) return answer;
  return session.client.get(linkOf(await follow(session, answer.id), 'dataset'), dataset);
}

async function writeExample(pixels: Uint8Array, name: string): Promise<string> {
  await mkdir(FOLDER, { recursive: true });
  const path = join(FOLDER, name);
  await writeFile(path, await encodePng({ height: 28, width: 28, channels: 1, pixels }));
  return path;
}
