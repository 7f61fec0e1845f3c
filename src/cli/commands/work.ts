import type { Command } from 'commander';
import { numeral, printed, run, wholeNumber } from '../command.ts';
import { evaluationOf, recommendationOf } from '../requests.ts';
import { resolveDataset, resolveModel } from '../resolve.ts';
import { chosen, recommendationView } from '../results.ts';
import type { Session } from '../session.ts';
import { datasetLine, evaluationView, predictionView } from '../views.ts';
import { targetFlags } from '../targets.ts';
import { predictFiles } from '../predict.ts';
import { zooNames } from '../zoo.ts';

interface RecommendOptions {
  readonly candidates?: string[];
  readonly flopsMax?: number;
  readonly paramsMax?: number;
  readonly seed?: number;
}

/** The commands that compute: recommend, evaluate, predict. */
export function addWorkCommands(program: Command): void {
  program
    .command('recommend')
    .argument('<dataset>', 'id, name, archive or image folder')
    .option('--candidates <models...>', 'models to choose from: ids, names, files, zoo:NAME or zoo:* (default: zoo:*)')
    .option('--flops-max <n>', 'FLOPs that the pruned model may have, e.g. 20M', numeral('--flops-max'))
    .option('--params-max <n>', 'parameters that the model may have, e.g. 200k', numeral('--params-max'))
    .option('--seed <n>', 'seed of the bootstrap and of the cross-validation', wholeNumber('--seed'))
    .description('the backbone to start from for a dataset, and how sure that is')
    .action(
      run(async (session, spec: string, options: RecommendOptions) => {
        const dataset = await resolveDataset(session, spec);
        const candidates = await candidateIds(session, options.candidates ?? ['zoo:*']);
        const { flopsMax, paramsMax, seed } = options;
        const done = await recommendationOf(session, { dataset: dataset.id, candidates, constraints: { flopsMax, paramsMax }, seed });
        const next = `Next:  espalier prune ${chosen(done).name} ${dataset.name} ${targetFlags(done.next.target)}`;
        printed(session, done, [datasetLine(dataset), '', recommendationView(done), '', next].join('\n'));
      }),
    );

  program
    .command('evaluate')
    .argument('<model>', 'id, name or file')
    .argument('<dataset>', 'id, name, archive or image folder')
    .option('--split <name>', 'train, validation or test')
    .description('accuracy, F1 and their intervals')
    .action(
      run(async (session, modelSpec: string, dataSpec: string, options: { split?: string }) => {
        const model = await resolveModel(session, modelSpec);
        const dataset = await resolveDataset(session, dataSpec);
        const done = await evaluationOf(session, { model: model.id, dataset: dataset.id, ...options });
        printed(session, done, evaluationView(done));
      }),
    );

  program
    .command('predict')
    .argument('<model>', 'id, name or file')
    .argument('<image...>', 'JPEG, PNG, WebP or GIF files')
    .option('--top <n>', 'classes to list', wholeNumber('--top'))
    .description('classes of images')
    .action(
      run(async (session, spec: string, images: string[], options: { top?: number }) => {
        const model = await resolveModel(session, spec);
        const done = await predictFiles(session, model, images, options);
        printed(session, done, predictionView(done));
      }),
    );
}

async function candidateIds(session: Session, specs: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const spec of specs.flatMap((given) => (given === 'zoo:*' ? zooNames().map((name) => `zoo:${name}`) : [given]))) {
    ids.push((await resolveModel(session, spec)).id);
  }
  return ids;
}
