import { pc } from './colour.ts';
import type { Dataset } from '../schema/datasets.ts';
import type { Evaluation, Prediction } from '../schema/evaluations.ts';
import type { Job } from '../schema/jobs.ts';
import type { Model } from '../schema/models.ts';
import { bytes, duration, fixed, percent, percentWithInterval, si, table } from './format.ts';

// The terminal's words for the API's objects. Each view is text without a final newline.

export function modelsView(models: readonly Model[]): string {
  if (models.length === 0) return 'No models yet. Add one with: espalier model add zoo:cifar-resnet20';
  return table(
    ['id', 'name', '>classes', '>input', '>FLOPs', '>params', '>size', '>diversity'],
    models.map((m) => [
      m.id,
      m.name,
      String(m.classes),
      m.inputShape.join('×'),
      si(m.cost.flops),
      si(m.cost.params),
      bytes(m.cost.bytes),
      fixed(m.weightDiversity, 3),
    ]),
  );
}

export function modelView(m: Model): string {
  const lines: [string, string][] = [
    ['id', m.id],
    ['architecture', m.architecture ?? '–'],
    ['format', m.format],
    ['parent', m.parentId ?? '–'],
    [
      'input',
      `${m.inputShape.join('×')} RGB · (pixel · ${Number(m.preprocessing.scale.toPrecision(4))} − [${m.preprocessing.mean.join(', ')}]) / [${m.preprocessing.std.join(', ')}]`,
    ],
    [
      'classes',
      m.classNames ? `${m.classes}: ${m.classNames.slice(0, 12).join(', ')}${m.classNames.length > 12 ? ', …' : ''}` : String(m.classes),
    ],
    ['cost', `${si(m.cost.flops)} FLOPs · ${si(m.cost.params)} parameters · ${bytes(m.cost.bytes)}`],
    ['kernels', `${m.kernels} in ${m.convolutions} convolutions · weight diversity ${fixed(m.weightDiversity, 3)}`],
    ...(m.origin === null ? [] : [['from', m.origin] satisfies [string, string]]),
    ...(m.licence === null ? [] : [['licence', m.licence] satisfies [string, string]]),
    ...(m.sourceAccuracy === null ? [] : [['source accuracy', percent(m.sourceAccuracy)] satisfies [string, string]]),
    ...m.assumptions.map((text): [string, string] => ['assumed', text]),
  ];
  return section(m.name, lines);
}

export function datasetsView(datasets: readonly Dataset[]): string {
  if (datasets.length === 0) return 'No datasets yet. Add one with: espalier dataset add images.zip';
  return table(
    ['id', 'name', '>classes', '>train', '>validation', '>test'],
    datasets.map(({ id, name, report: { classes, counts } }) => [
      id,
      name,
      String(classes.length),
      counts.train.toLocaleString('en'),
      counts.validation.toLocaleString('en'),
      counts.test.toLocaleString('en'),
    ]),
  );
}

/** One line: `digits · 10 classes · 600 train / 1,000 validation / 8,400 test · 28×28 grey · …`. */
export function datasetLine({ name, report }: Dataset): string {
  const { counts, size, channels, duplicates, refused } = report;
  const n = (value: number): string => value.toLocaleString('en');
  const range =
    size.minimum.join() === size.maximum.join() ? size.median.join('×') : `${size.minimum.join('×')} to ${size.maximum.join('×')}`;
  return [
    pc.bold(name),
    `${report.classes.length} classes`,
    `${n(counts.train)} train / ${n(counts.validation)} validation / ${n(counts.test)} test`,
    `${range} ${channels}`,
    ...(report.splitsGiven ? [] : [`split here, seed ${report.seed}`]),
    ...(duplicates > 0 ? [`${n(duplicates)} duplicates across splits (kept in train only)`] : []),
    ...(refused.count > 0 ? [`${n(refused.count)} files refused`] : []),
  ].join(' · ');
}

export function datasetView(d: Dataset): string {
  const classes = table(
    ['class', '>train', '>validation', '>test'],
    d.report.classes.map(({ name, train, validation, test }) => [name, String(train), String(validation), String(test)]),
  );
  const refused = d.report.refused.files.map(({ name, reason }) => `  refused ${name}: ${reason}`);
  return [`${datasetLine(d)}`, `  ${d.id}`, '', classes, ...refused].join('\n');
}

export function evaluationView({ metrics, split }: Evaluation): string {
  return [
    `${split}: accuracy ${percentWithInterval(metrics.accuracy)} · macro F1 ${percentWithInterval(metrics.macroF1)} · ${metrics.images.toLocaleString('en')} images · calibration error ${percent(metrics.calibration.expectedError)}`,
    '',
    table(
      ['class', '>precision', '>recall', '>F1', '>images'],
      metrics.perClass.map(({ name, precision, recall, f1, images }) => [
        name,
        percent(precision.value),
        percent(recall.value),
        percentWithInterval(f1),
        String(images),
      ]),
    ),
  ].join('\n');
}

export function predictionView({ items }: Prediction): string {
  return table(
    ['file', 'class', '>probability %', 'next'],
    items.map(({ file, classes: [first, ...others] }) => [
      file,
      first.name,
      percent(first.probability),
      others
        .slice(0, 2)
        .map(({ name, probability }) => `${name} ${percent(probability)}`)
        .join(', '),
    ]),
  );
}

export function jobsView(jobs: readonly Job[]): string {
  if (jobs.length === 0) return 'No jobs yet.';
  return table(
    ['id', 'kind', 'state', 'phase', '>left', 'created'],
    jobs.map((j) => [
      j.id,
      j.kind,
      j.state,
      j.state === 'running' ? (j.progress?.phase ?? '') : (j.error?.detail ?? ''),
      j.state === 'running' && j.progress?.secondsLeft !== undefined ? duration(j.progress.secondsLeft) : '',
      j.createdAt,
    ]),
  );
}

export function jobView(j: Job): string {
  return section(j.id, [
    ['kind', j.kind],
    ['state', j.state],
    ['attempt', String(j.attempt)],
    ['created', j.createdAt],
    ['finished', j.finishedAt ?? '–'],
    ...(j.progress ? [['progress', `${j.progress.phase} ${j.progress.done}/${j.progress.total}`] satisfies [string, string]] : []),
    ...Object.entries(j.result ?? {}),
    ...(j.error ? [['error', [j.error.detail, j.error.hint].filter(Boolean).join(' ')] satisfies [string, string]] : []),
  ]);
}

function section(title: string, lines: readonly (readonly [string, string])[]): string {
  const width = Math.max(...lines.map(([name]) => name.length));
  return [pc.bold(title), ...lines.map(([name, value]) => `  ${pc.dim(name.padEnd(width))}  ${value}`)].join('\n');
}
