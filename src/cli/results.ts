import type { Pruning, PruneReport, Stage, StageName } from '../schema/prunings.ts';
import { bytes, duration, percent, percentWithInterval, si, signedPoints, table } from './format.ts';

// Plans and pruning reports in words and tables: what, how sure, why, what next.

const STAGE_TITLES: Readonly<Record<StageName, string>> = {
  base: 'base',
  sparse: 'sparse',
  pruned: 'pruned',
  recalibrated: 'recalibrated',
  fineTuned: 'fine-tuned',
};

/** The one line that tells what the plan takes away. */
export function planLine({ plan }: Pick<Pruning, 'plan'>): string {
  const removed = plan.groups.reduce((sum, group) => sum + group.removed.length, 0);
  const channels = plan.groups.reduce((sum, group) => sum + group.channels, 0);
  const { before, after } = plan.cost;
  const factor = `${(before.flops / after.flops).toFixed(2)}×`;
  return `${plan.criterion} · ${plan.groups.length} groups · ${removed} of ${channels} channels leave · ${si(before.flops)} → ${si(after.flops)} FLOPs (${factor}) · ${si(before.params)} → ${si(after.params)} parameters`;
}

/** What the job that the plan is for would take. */
export function estimateLines({ plan: { estimate } }: Pick<Pruning, 'plan'>): string[] {
  return estimate ? [`job    about ${duration(estimate.seconds)} and ${bytes(estimate.memoryBytes)} of memory on this machine`] : [];
}

export function pruneReportView(report: PruneReport): string {
  const { stages, proof, difference, notes } = report;
  const row = (name: string, cell: (stage: Stage) => string): string[] => [name, ...stages.map(cell)];
  const [base] = stages;
  const final = stages[stages.length - 1];
  const test = (stage: Stage, figure: (m: NonNullable<Stage['test']>) => string): string => (stage.test ? figure(stage.test) : '');
  const time = ({ medianMs }: { medianMs: number }): string => `${medianMs.toFixed(2)} ms`;
  const rows = [
    row('accuracy (validation)', ({ validation }) => percent(validation.accuracy.value)),
    row('macro F1 (validation)', ({ validation }) => percent(validation.macroF1.value)),
    row('accuracy (test)', (stage) => test(stage, (m) => percentWithInterval(m.accuracy))),
    row('macro F1 (test)', (stage) => test(stage, (m) => percentWithInterval(m.macroF1))),
    row('FLOPs', ({ cost }) => si(cost.flops)),
    row('parameters', ({ cost }) => si(cost.params)),
    row('size', ({ cost }) => bytes(cost.bytes)),
    ...report.latency.map((times) =>
      row(`latency, batch ${times.batchSize}`, (stage) => (stage === base ? time(times.base) : stage === final ? time(times.final) : '')),
    ),
  ];
  const { accuracy, mcnemarP, images, split } = difference;
  const speed = [
    `${report.speedUp.toFixed(2)}× fewer FLOPs`,
    ...(report.speedUpMeasured === null ? [] : [`${report.speedUpMeasured.toFixed(2)}× faster, measured`]),
    `${(base.cost.params / final.cost.params).toFixed(2)}× fewer parameters`,
  ];
  return [
    `proof  masked ≡ compacted on ${proof.images} images, ${differenceText(proof)}`,
    ...(report.schedule ?? []).map(partLine),
    '',
    table(['', ...stages.map(({ name }) => `>${STAGE_TITLES[name]}`)], rows),
    '',
    `${speed.join(' · ')}`,
    `against base: ${signedPoints(accuracy.value)} points [${signedPoints(accuracy.low)}, ${signedPoints(accuracy.high)}] on ${images.toLocaleString('en')} ${split} images, McNemar p = ${mcnemarP < 0.001 ? mcnemarP.toExponential(1) : mcnemarP.toFixed(3)}`,
    ...notes.map((note) => `  ${note}`),
  ].join('\n');
}

/** `step 1  3 epochs at 40.1M FLOPs, then 88.2 [86.0, 90.1] % on validation`. */
function partLine({ name, training, cost, validationAccuracy }: NonNullable<PruneReport['schedule']>[number]): string {
  const epochs = training === null ? 'no training' : training.epochs === 1 ? '1 epoch' : `${training.epochs} epochs`;
  return `${name.padEnd(6)} ${epochs} at ${si(cost.flops)} FLOPs, then ${percentWithInterval(validationAccuracy)} % on validation`;
}

function differenceText({ relativeDifference }: PruneReport['proof']): string {
  return relativeDifference === 0 ? 'to the last bit' : `largest difference ${relativeDifference.toExponential(1)} of the outputs' scale`;
}
