import { curveChart, rowChart } from '../core/plot/index.ts';
import type { Estimate } from '../schema/common.ts';
import type { Dataset } from '../schema/datasets.ts';
import type { Model } from '../schema/models.ts';
import type { PrunePlanView, Pruning, PruneReport, SearchStep } from '../schema/prunings.ts';
import { bytes, fixed, percent, percentWithInterval, si, signedPoints, threadsOf } from './format.ts';
import { code, markdownTable } from './markdown.ts';

// What a person reads beside an artifact: report.md and its plots.

/** Files of a report: `report.md`, and the plots that there is something to draw in. */
export function reportFiles(
  done: Pruning,
  report: PruneReport,
  model: Pick<Model, 'name'>,
  dataset: Pick<Dataset, 'name'>,
): Record<string, string> {
  const plots = reportPlots(done.plan, report);
  return { 'report.md': reportMarkdown(done, report, model, dataset, Object.keys(plots)), ...plots };
}

/** Accuracy against the ratio, where it was measured; widths and diversity of the layers, before and after. SVG by file name. */
export function reportPlots(plan: PrunePlanView, { layers }: Pick<PruneReport, 'layers'>): Record<string, string> {
  const curve = curveOf(plan);
  const changed = layers.filter(({ kernelsBefore, kernelsAfter }) => kernelsAfter < kernelsBefore);
  const diverse = layers.flatMap(({ layer, diversityBefore, diversityAfter }) =>
    diversityBefore === null || diversityAfter === null ? [] : [{ layer, before: diversityBefore, after: diversityAfter }],
  );
  const legend = { open: 'before', dot: 'after' };
  const row = (label: string, before: number, after: number) => ({
    label,
    bar: [before, after] as const,
    dots: [
      { value: before, mark: 'open' as const },
      { value: after, mark: 'dot' as const },
    ],
  });
  return {
    ...(curve && { 'curve.svg': curve }),
    ...(changed.length > 0 && {
      'widths.svg': rowChart({
        title: 'Kernels of each layer',
        axis: 'kernels',
        legend,
        rows: layers.map(({ layer, kernelsBefore, kernelsAfter }) => row(layer, kernelsBefore, kernelsAfter)),
      }),
    }),
    ...(diverse.length > 0 && {
      'diversity.svg': rowChart({
        title: 'Dice diversity of each layer’s kernels',
        axis: 'diversity, 1 − mean similarity',
        legend,
        rows: diverse.map(({ layer, before, after }) => row(layer, before, after)),
      }),
    }),
  };
}

function curveOf({ search = [], target, cost }: PrunePlanView): string | undefined {
  const points = search.flatMap(({ ratio, accuracy }) => (accuracy === null ? [] : [{ ratio, ...accuracy }]));
  if (points.length === 0) return undefined;
  // Of ratios that rounding makes one, the largest.
  const taken = search.findLast(({ flops }) => flops === cost.after.flops);
  return curveChart({
    title: 'Accuracy before fine-tuning',
    axes: { x: 'ratio of kernels that leave', y: 'validation accuracy, %' },
    points: points.map(({ ratio, value, low, high }) => ({ x: ratio, y: 100 * value, low: 100 * low, high: 100 * high })),
    ...(taken && { marked: { x: taken.ratio, label: 'elbow' in target ? 'elbow' : 'taken' } }),
  });
}

function scheduleTable(schedule: PruneReport['schedule'] = []): string[] {
  if (schedule.length === 0) return [];
  const rows = schedule.map(({ name, cost, training, validationAccuracy }) => [
    name,
    String(training?.epochs ?? 0),
    si(cost.flops),
    percentWithInterval(validationAccuracy),
  ]);
  return [markdownTable(['part', '>epochs', '>FLOPs', '>accuracy % (validation)'], rows)];
}

/** Stages, costs, what left each layer and why others kept all, with what is needed to make it again. */
export function reportMarkdown(
  { plan, request }: Pruning,
  report: PruneReport,
  model: Pick<Model, 'name'>,
  dataset: Pick<Dataset, 'name'>,
  plots: readonly string[] = [],
): string {
  const { stages, difference, proof, hashes, engine, latency } = report;
  const plot = (file: string, alt: string): string[] => (plots.includes(file) ? [`![${alt}](${file})`] : []);
  const section = (title: string, parts: readonly string[]): string[] => (parts.length === 0 ? [] : [`## ${title}`, ...parts]);
  return `${[
    `# ${model.name}`,
    `Pruned by ${code(plan.criterion)} (source ${plan.source}, ranking ${plan.ranking}) for ${dataset.name}: ${report.speedUp.toFixed(2)}× fewer FLOPs. Brackets are 95 % intervals.`,
    markdownTable(
      ['stage', '>accuracy % (validation)', '>accuracy % (test)', '>macro F1 % (test)', '>FLOPs', '>parameters', '>size'],
      stages.map(({ name, validation, test, cost }) => [
        name,
        percentWithInterval(validation.accuracy),
        test ? percentWithInterval(test.accuracy) : '',
        test ? percentWithInterval(test.macroF1) : '',
        si(cost.flops),
        si(cost.params),
        bytes(cost.bytes),
      ]),
    ),
    `Final minus base on ${difference.images} ${difference.split} images: accuracy ${pointsWithInterval(difference.accuracy)}, macro F1 ${pointsWithInterval(difference.macroF1)}, McNemar p = ${difference.mcnemarP.toPrecision(2)}. The pruned network answers as the masked original does, to ${proof.relativeDifference.toExponential(1)} of the outputs' scale on ${proof.images} images.`,
    ...section('Training before the last cut', scheduleTable(report.schedule)),
    ...section('Latency', [
      `In theory ${report.speedUp.toFixed(2)}× faster. Measured on ${engine.backend} ${engine.version}, ${threadsOf(engine)}, ${engine.device}, medians in ms:`,
      markdownTable(
        ['>batch', '>base', '>final', '>speed-up', '>of theory'],
        latency.map(({ batchSize, base, final, speedUp }) => [
          String(batchSize),
          base.medianMs.toFixed(2),
          final.medianMs.toFixed(2),
          `${speedUp.toFixed(2)}×`,
          `${percent(speedUp / report.speedUp)} %`,
        ]),
      ),
    ]),
    ...section('How the ratio was found', [...plot('curve.svg', 'Accuracy against the ratio'), ...searchTable(plan.search)]),
    ...section('Layers', [
      ...plot('widths.svg', 'Kernels of each layer before and after'),
      ...plot('diversity.svg', 'Dice diversity of each layer before and after'),
      markdownTable(
        ['layer', '>kernels', '>kept', '>diversity', '>after'],
        report.layers.map(({ layer, kernelsBefore, kernelsAfter, diversityBefore, diversityAfter }) => [
          layer,
          String(kernelsBefore),
          String(kernelsAfter),
          fixed(diversityBefore, 3),
          fixed(diversityAfter, 3),
        ]),
      ),
    ]),
    ...section('Channels that left together', [
      markdownTable(
        ['group', '>channels', '>kept', 'made by'],
        plan.groups.map(({ id, channels, kept, producers }) => [id, String(channels), String(kept.length), producers.join(', ')]),
      ),
    ]),
    ...section(
      'Left alone',
      plan.skipped.map(({ id, reason }) => `- ${code(id)}: ${reason}`),
    ),
    ...section(
      'Notes',
      report.notes.map((note) => `- ${note}`),
    ),
    ...section('To make it again', [
      report.schedule === undefined
        ? `\`espalier prune MODEL ${JSON.stringify(dataset.name)} --plan plan.json --seed ${report.seed}\` with the same fine-tuning, or POST /prune with:`
        : 'The plan alone does not repeat the training before the cut: POST /prune with:',
      `\`\`\`json\n${JSON.stringify({ ...request, plan: undefined })}\n\`\`\``,
      markdownTable(
        ['SHA-256 of', ''],
        Object.entries(hashes).map(([what, hash]) => [what, code(hash)]),
      ),
    ]),
  ].join('\n\n')}\n`;
}

const pointsWithInterval = ({ value, low, high }: Estimate): string =>
  `${signedPoints(value)} points [${signedPoints(low)}, ${signedPoints(high)}]`;

function searchTable(search: readonly SearchStep[] = []): string[] {
  if (search.length === 0) return [];
  const rows = search.map(({ ratio, flops, accuracy, dropBound, latencyMs }) => [
    fixed(ratio, 3),
    si(flops),
    accuracy ? percentWithInterval(accuracy) : '–',
    dropBound === null ? '–' : percent(dropBound),
    fixed(latencyMs, 2),
  ]);
  return [markdownTable(['>ratio', '>FLOPs', '>accuracy % (validation)', '>drop at most, points', '>latency ms'], rows)];
}
