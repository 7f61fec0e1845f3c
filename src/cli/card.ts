import type { Model } from '../schema/models.ts';
import type { Pruning, PruneReport, SearchStep } from '../schema/prunings.ts';
import { bytes, percent, percentWithInterval, si } from './format.ts';

// What a person reads beside an artifact: the report as Markdown, its curve as SVG, and a card in Hugging Face's form.

/** `report.md`: stages, groups and what was left alone, in tables. */
export function reportMarkdown({ plan }: Pruning, report: PruneReport, model: Model): string {
  const { stages, difference, proof } = report;
  const stageRows = stages.map(({ name, validation, test, cost, latencyMs }) => [
    name,
    percentWithInterval(validation.accuracy),
    test ? percentWithInterval(test.accuracy) : '',
    test ? percentWithInterval(test.macroF1) : '',
    si(cost.flops),
    si(cost.params),
    bytes(cost.bytes),
    latencyMs === null ? '' : latencyMs.toFixed(2),
  ]);
  const groupRows = plan.groups.map(({ id, channels, kept, producers }) => [
    id,
    String(channels),
    String(kept.length),
    producers.join(', '),
  ]);
  return `${[
    `# ${model.name}`,
    `Pruned by \`${plan.criterion}\` (source ${plan.source}, ranking ${plan.ranking}, seed ${report.seed}): ${report.speedUp.toFixed(2)}× fewer FLOPs.`,
    markdown(
      ['stage', 'accuracy % (validation)', 'accuracy % (test)', 'macro F1 % (test)', 'FLOPs', 'parameters', 'size', 'latency ms'],
      stageRows,
    ),
    `Final minus base on ${difference.images} ${difference.split} images: accuracy ${percentWithInterval(difference.accuracy)} points, McNemar p = ${difference.mcnemarP.toPrecision(2)}. The pruned network answers as the masked original does, to ${proof.relativeDifference.toExponential(1)} of the outputs' scale on ${proof.images} images.`,
    ...(hasCurve(plan.search) ? ['![Accuracy against the ratio](curve.svg)'] : []),
    '## Groups',
    markdown(['group', 'channels', 'kept', 'made by'], groupRows),
    ...(plan.skipped.length === 0 ? [] : ['## Left alone', ...plan.skipped.map(({ id, reason }) => `- \`${id}\`: ${reason}`)]),
    ...(report.notes.length === 0 ? [] : ['## Notes', ...report.notes.map((note) => `- ${note}`)]),
  ].join('\n\n')}\n`;
}

/** A model card with the metadata that Hugging Face reads. */
export function modelCard({ plan }: Pruning, report: PruneReport, model: Model): string {
  const final = report.stages[report.stages.length - 1];
  const measured = final.test ?? final.validation;
  return `---
library_name: tfjs
pipeline_tag: image-classification
tags:
  - pruned
  - espalier
metrics:
  - accuracy
  - f1
model-index:
  - name: ${JSON.stringify(model.name)}
    results:
      - task:
          type: image-classification
        dataset:
          name: ${JSON.stringify(report.hashes.dataset)}
          type: image-folder
        metrics:
          - type: accuracy
            value: ${measured.accuracy.value.toFixed(4)}
          - type: f1
            value: ${measured.macroF1.value.toFixed(4)}
---

# ${model.name}

A convolutional network for ${model.classes} classes${model.classNames ? ` (${model.classNames.join(', ')})` : ''}, pruned by \`${plan.criterion}\` and fine-tuned: ${si(final.cost.flops)} FLOPs, ${si(final.cost.params)} parameters, accuracy ${percent(measured.accuracy.value)} % on ${measured.images} images.

Input: ${model.inputShape.join('×')} RGB, (pixel · ${model.preprocessing.scale} − [${model.preprocessing.mean.join(', ')}]) / [${model.preprocessing.std.join(', ')}].

How it came about is in report.md; plan.json lists the channels that left.
`;
}

/** `curve.svg`: validation accuracy before fine-tuning against the ratio, with intervals. Undefined where none was measured. */
export function curveSvg(search: readonly SearchStep[] | undefined): string | undefined {
  if (!hasCurve(search)) return undefined;
  const [width, height, margin] = [480, 280, 40];
  const x = (ratio: number): string => (margin + ratio * (width - 2 * margin)).toFixed(1);
  const y = (share: number): string => (height - margin - share * (height - 2 * margin)).toFixed(1);
  const points = search
    .flatMap(({ ratio, accuracy }) => (accuracy === null ? [] : [{ ratio, ...accuracy }]))
    .sort((a, b) => a.ratio - b.ratio);
  const bars = points.map(({ ratio, low, high }) => `<path d="M${x(ratio)} ${y(low)}V${y(high)}" stroke="#8aa" />`);
  const line = points.map(({ ratio, value }) => `${x(ratio)},${y(value)}`).join(' ');
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" font-family="sans-serif" font-size="12">
<path d="M${x(0)} ${y(1)}V${y(0)}H${x(1)}" fill="none" stroke="#444" />
<text x="${x(0.5)}" y="${height - 8}" text-anchor="middle">ratio, 0 to 1</text>
<text x="${x(0)}" y="${margin - 12}">validation accuracy before fine-tuning, 0 to 1</text>
${bars.join('\n')}
<polyline points="${line}" fill="none" stroke="#276" stroke-width="2" />
</svg>
`;
}

function hasCurve(search: readonly SearchStep[] | undefined): search is readonly SearchStep[] {
  return search?.some(({ accuracy }) => accuracy !== null) === true;
}

function markdown(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', String.raw`\|`)).join(' | ')} |`;
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n');
}
