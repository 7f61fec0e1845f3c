import { rowChart } from '../core/plot/index.ts';
import type { Estimate } from '../schema/common.ts';
import type { ComparedRow, Comparison } from '../schema/comparisons.ts';
import { percent, percentWithInterval, si, signedPoints, table, threadsOf } from './format.ts';
import { markdownTable } from './markdown.ts';

// A comparison in one table, in words and as a plot.

/** Cells of every row, as the terminal and Markdown show them. */
function cells({ rows }: Comparison): { head: string[]; rows: string[][] } {
  const [first] = rows;
  return {
    head: ['criterion', '>FLOPs', '>before fine-tuning %', '>validation %', '>test %', '>macro F1 %', `>against ${first.label}, points`],
    rows: rows.map((row) => [
      row.label,
      si(row.cost.flops),
      meanBefore(row),
      percent(row.validationAccuracy.value),
      percentWithInterval(row.testAccuracy),
      percentWithInterval(row.testMacroF1),
      row.accuracyDifference ? points(row.accuracyDifference) : '',
    ]),
  };
}

export function comparisonView(c: Comparison): string {
  const { head, rows } = cells(c);
  return [table(head, rows), '', c.summary, ...notesOf(c)].join('\n');
}

/** `comparison.md`; `accuracy.svg` lies beside it. */
export function comparisonMarkdown(c: Comparison, of: { readonly model: string; readonly dataset: string }): string {
  const { head, rows } = cells(c);
  const { engine, hashes, images, request } = c;
  return `${[
    `# Pruning criteria on ${of.model} for ${of.dataset}`,
    `${si(c.flops)} FLOPs for each, ${request.seeds} seeds from ${request.seed}, ${images.train} training, ${images.validation} validation and ${images.test} test images. The base is the same, the fine-tuning too. Brackets are 95 % intervals over images and seeds (runs taken to vary as much with every criterion); differences are paired.`,
    markdownTable(head, rows),
    '![Test accuracy of each criterion](accuracy.svg)',
    c.summary,
    ...notesOf(c),
    `Made on ${engine.backend} ${engine.version}, ${threadsOf(engine)}, ${engine.device}. SHA-256 of the model: ${hashes.model}, of the dataset: ${hashes.dataset}.`,
  ].join('\n\n')}\n`;
}

/** Mean of the seeds with its interval, and each seed. */
export function comparisonSvg({ rows, flops, images, request }: Comparison): string {
  return rowChart({
    title: `Test accuracy at ${si(flops)} FLOPs`,
    axis: `accuracy on ${images.test.toLocaleString('en')} test images, %`,
    legend: { dot: `mean of ${request.seeds} seeds with its 95 % interval`, faint: 'one seed' },
    rows: rows.map(({ label, testAccuracy: { value, low, high }, runs }) => ({
      label,
      bar: [100 * low, 100 * high],
      dots: [
        ...runs.map((run) => ({ value: 100 * run.testAccuracy, mark: 'faint' as const })),
        { value: 100 * value, mark: 'dot' as const },
      ],
    })),
  });
}

function meanBefore({ runs }: ComparedRow): string {
  const before = runs.flatMap(({ accuracyBefore }) => accuracyBefore ?? []);
  return before.length === 0 ? '–' : percent(before.reduce((sum, value) => sum + value, 0) / before.length);
}

const notesOf = ({ rows }: Comparison): string[] => rows.flatMap(({ label, notes }) => notes.map((note) => `${label}: ${note}`));

const points = ({ value, low, high }: Estimate): string => `${signedPoints(value)} [${signedPoints(low)}, ${signedPoints(high)}]`;
