import { join } from 'node:path';
import type { Command } from 'commander';
import { fraction, numeral, printed, run, wholeNumber } from '../command.ts';
import { comparisonMarkdown, comparisonSvg, comparisonView } from '../comparison-view.ts';
import { DEFAULT_FOLDER, folderName, saveFolder } from '../folder.ts';
import { comparisonOf } from '../requests.ts';
import { resolveDataset, resolveModel } from '../resolve.ts';
import { savedText } from '../save.ts';
import { addWidthOptions, defaultTarget, type WidthOptions } from '../targets.ts';
import { addTuningOptions, splitTuning, type TuningOptions } from '../tuning.ts';
import { datasetLine } from '../views.ts';

interface CompareOptions extends TuningOptions, WidthOptions {
  readonly criteria?: string[];
  readonly flops?: number;
  readonly ratio?: number;
  readonly seeds?: number;
  readonly recalibrate: boolean;
  readonly deterministic?: boolean;
  readonly seed?: number;
  readonly out?: string;
}

/** `espalier compare MODEL DATASET`. */
export function addCompareCommand(program: Command): void {
  const command = program
    .command('compare')
    .argument('<model>', 'id, name, zoo:NAME, hf:ORG/NAME or file')
    .argument('<dataset>', 'id, name, archive or image folder')
    .option('--criteria <ids...>', 'e.g. dice l1 random dice:activations l1:global (default: dice l1 random); the first is compared with')
    .option('--flops <n>', 'FLOPs that every pruned model may have, e.g. 20M', numeral('--flops'))
    .option('--ratio <share>', 'the FLOPs that l1 leaves at this ratio (default: 0.3)', fraction('--ratio'))
    .option('--seeds <n>', 'runs of each criterion (default: 3)', wholeNumber('--seeds'));
  addTuningOptions(addWidthOptions(command))
    .option('--seed <n>', 'the first seed', wholeNumber('--seed'))
    .option('--out <folder>', 'where table and plot go (default: out/compare-NAME)')
    .description('pruning criteria side by side: one base, equal FLOPs, the same fine-tuning, several seeds')
    .action(
      run(async (session, modelSpec: string, dataSpec: string, options: CompareOptions) => {
        const model = await resolveModel(session, modelSpec);
        const dataset = await resolveDataset(session, dataSpec);
        const [fineTune, { out, criteria, flops, ratio, ...rest }] = splitTuning(options);
        const target = flops === undefined && ratio === undefined ? defaultTarget : { flops, ratio };
        const done = await comparisonOf(session, {
          model: model.id,
          dataset: dataset.id,
          criteria: criteria?.map(criterionOf),
          target,
          fineTune,
          ...rest,
        });
        const of = { model: model.name, dataset: dataset.name };
        const saved = await saveFolder(out ?? join(DEFAULT_FOLDER, `compare-${folderName(model.name)}`), {
          'comparison.json': `${JSON.stringify(done, null, 2)}\n`,
          'comparison.md': comparisonMarkdown(done, of),
          'accuracy.svg': comparisonSvg(done),
        });
        const again = `Next:  espalier prune ${modelSpec} ${dataSpec} --criterion ${done.next.criterion} --flops ${Math.round(done.flops)}`;
        printed(
          session,
          { ...done, folder: saved.folder },
          [datasetLine(dataset), '', comparisonView(done), '', `table and plot  ${savedText(saved)}`, '', again].join('\n'),
        );
      }),
    );
}

const RANKINGS = ['local', 'global', 'isomorphic'];

/** `dice:activations:global`: a criterion with its source and ranking, in any order; the service judges the names. */
function criterionOf(spec: string): string | { criterion: string; source?: string; ranking?: string } {
  const [criterion, ...others] = spec.split(':');
  if (others.length === 0) return criterion;
  return {
    criterion,
    source: others.find((name) => !RANKINGS.includes(name)),
    ranking: others.find((name) => RANKINGS.includes(name)),
  };
}
