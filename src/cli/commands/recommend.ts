import type { Command } from 'commander';
import { numeral, printed, run, wholeNumber } from '../command.ts';
import { chosen, recommendationView } from '../recommend-view.ts';
import { recommendationOf } from '../requests.ts';
import { resolveDataset, resolveModel } from '../resolve.ts';
import type { Session } from '../session.ts';
import { targetFlags } from '../targets.ts';
import { datasetLine } from '../views.ts';
import { zooNames } from '../zoo.ts';

interface RecommendOptions {
  readonly candidates?: string[];
  readonly flopsMax?: number;
  readonly paramsMax?: number;
  readonly seed?: number;
}

export function addRecommendCommand(program: Command): void {
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
}

async function candidateIds(session: Session, specs: readonly string[]): Promise<string[]> {
  const ids: string[] = [];
  for (const spec of specs.flatMap((given) => (given === 'zoo:*' ? zooNames().map((name) => `zoo:${name}`) : [given]))) {
    ids.push((await resolveModel(session, spec)).id);
  }
  return ids;
}
