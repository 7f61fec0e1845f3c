import type { Command } from 'commander';
import { readFile } from 'node:fs/promises';
import { Failure } from '../../core/failure.ts';
import { fraction, numeral, printed, run, wholeNumber } from '../command.ts';
import { pruningOf, savePruning } from '../requests.ts';
import { resolveDataset, resolveModel } from '../resolve.ts';
import { estimateLines, planLine, pruneReportView } from '../results.ts';
import { savedText } from '../save.ts';
import { addScheduleOptions, splitSchedule, type ScheduleOptions } from '../schedules.ts';
import { addWidthOptions, defaultTarget, layerRatio, splitTarget, type TargetOptions, type WidthOptions } from '../targets.ts';
import { addTuningOptions, splitTuning, type TuningOptions } from '../tuning.ts';
import { datasetLine } from '../views.ts';

interface PruneOptions extends TargetOptions, WidthOptions, ScheduleOptions, TuningOptions {
  readonly criterion?: string;
  readonly source?: string;
  readonly ranking?: string;
  readonly recalibrate: boolean;
  readonly seed?: number;
  readonly planOnly?: boolean;
  readonly deterministic?: boolean;
  readonly plan?: string;
  readonly out?: string;
}

/** `espalier prune MODEL DATASET`. */
export function addPruneCommand(program: Command): void {
  const command = program
    .command('prune')
    .argument('<model>', 'id, name, zoo:NAME, hf:ORG/NAME or file')
    .argument('<dataset>', 'id, name, archive or image folder')
    .option('--ratio <share>', 'share of kernels that leaves each group (default: 0.3)', fraction('--ratio'))
    .option('--layer-ratio <layer=share>', 'ratio of layers by name or pattern, e.g. "stage3*=0.5" (repeatable)', layerRatio)
    .option('--flops <n>', 'FLOPs that the pruned model may have, e.g. 20M', numeral('--flops'))
    .option('--params <n>', 'parameters that the pruned model may have, e.g. 100k', numeral('--params'))
    .option('--bytes <n>', 'bytes that its weights may take, e.g. 400k', numeral('--bytes'))
    .option('--latency-ms <ms>', 'milliseconds that one image may take here, measured', fraction('--latency-ms'))
    .option('--accuracy-drop-max <share>', 'accuracy that may be lost before fine-tuning, e.g. 0.02', fraction('--accuracy-drop-max'))
    .option('--no-certify', 'go by the estimated drop and not by its 95 % bound')
    .option('--elbow', 'the ratio at which accuracy begins to fall faster')
    .option('--criterion <id>', 'dice, l1, taylor, … (a wrong one lists them all)')
    .option('--source <what>', 'what the dice criteria compare: weights, activations or weights-excess')
    .option('--ranking <how>', 'local: the same ratio everywhere; global; isomorphic: global among groups of one form');
  addTuningOptions(addScheduleOptions(addWidthOptions(command)))
    .option('--seed <n>', 'seed of the whole run', wholeNumber('--seed'))
    .option('--plan <file>', 'replay a plan.json: the same channels leave')
    .option('--plan-only', 'say what would leave, and change nothing')
    .option('--out <folder>', 'where the artifact goes (default: out/NAME)')
    .description('prune a model for a dataset, fine-tune it and write the artifact')
    .action(
      run(async (session, modelSpec: string, dataSpec: string, options: PruneOptions) => {
        const model = await resolveModel(session, modelSpec);
        const dataset = await resolveDataset(session, dataSpec);
        const [target, others] = splitTarget(options);
        const [schedule, unscheduled] = splitSchedule(others);
        const [fineTune, { out, plan: planFile, ...rest }] = splitTuning(unscheduled);
        const what = planFile === undefined ? { target: target ?? defaultTarget } : { target, plan: await readPlan(planFile) };
        const done = await pruningOf(session, { model: model.id, dataset: dataset.id, fineTune, schedule, ...what, ...rest });
        const plan = `plan   ${planLine(done)}`;
        if (!done.report)
          return printed(session, done, [datasetLine(dataset), plan, ...estimateLines(done), ...done.plan.notes].join('\n'));
        const { saved, artifact } = await savePruning(session, done, out);
        printed(
          session,
          { ...done, folder: saved.folder },
          [datasetLine(dataset), plan, pruneReportView(done.report), '', `artifact  ${artifact.id} in ${savedText(saved)}`].join('\n'),
        );
      }),
    );
}

/** The plan in a file, for the service to judge: a `plan.json`, or what `--plan-only --json` printed. */
async function readPlan(path: string): Promise<unknown> {
  try {
    const read = JSON.parse(await readFile(path, 'utf8'));
    return read.plan ?? read;
  } catch (cause) {
    throw new Failure('malformed-file', `${path} holds no plan.`, {
      hint: "Name the plan.json of an artifact's folder, or save the output of: espalier prune … --plan-only --json",
      field: '--plan',
      cause,
    });
  }
}
