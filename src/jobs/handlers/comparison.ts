import { z } from 'zod';
import { compareSeeds, type SeededFigures } from '../../core/stats/index.ts';
import { cost, type Estimate } from '../../schema/common.ts';
import type { ComparedCriterion, ComparedRow, CompareRequest, ComparisonResult } from '../../schema/comparisons.ts';
import { plan } from '../../schema/prunings.ts';

/** What is kept of a finished run: the answers, so that figures of all runs can be paired image by image. */
export const keptRun = z.object({
  seed: z.int(),
  cost,
  accuracyBefore: z.number().nullable(),
  validation: z.array(z.int()),
  test: z.array(z.int()),
  epochs: z.int(),
  bestEpoch: z.int().nullable(),
  proof: z.number().nullable(),
  plan: plan.nullable(),
});
export type KeptRun = z.infer<typeof keptRun>;

export interface Comparing extends Pick<ComparisonResult, 'flops' | 'headReplaced' | 'transfer' | 'hashes' | 'engine'> {
  readonly request: CompareRequest;
  readonly labels: { readonly train: Int32Array; readonly validation: Int32Array; readonly test: Int32Array };
  readonly classes: number;
}

/** The bootstrap's draws are the same for every comparison of the same images. */
const BOOTSTRAP_SEED = 0;
/** Share of the FLOPs asked for by which a row may miss them without a word. */
const TOLERANCE = 0.02;

/** A criterion's name in the table: what is not the default is told. */
export function labelOf({ criterion, source, ranking, schedule }: ComparedCriterion): string {
  return [criterion, source === 'weights' ? '' : source, ranking === 'local' ? '' : ranking, schedule?.kind ?? '']
    .filter(Boolean)
    .join(' ');
}

/**
 * The table of a comparison. Validation images choose, and test images only tell.
 *
 * @param kept runs [way][seed]: the criteria in their order, and last the unpruned model
 */
export function comparisonOf(kept: readonly (readonly KeptRun[])[], comparing: Comparing): ComparisonResult {
  const { request, flops, labels, classes, headReplaced, transfer, hashes, engine } = comparing;
  const figuresOn = (split: 'validation' | 'test'): SeededFigures[] =>
    compareSeeds(
      kept.map((runs) => runs.map((run) => Int32Array.from(run[split]))),
      labels[split],
      classes,
      { seed: BOOTSTRAP_SEED },
    );
  const [validation, test] = [figuresOn('validation'), figuresOn('test')];
  const epochsLeast = Math.min(...kept.flat().map(({ epochs }) => epochs));
  const rows = kept.map((runs, way): ComparedRow => {
    const [{ cost, plan }] = runs;
    const criterion = request.criteria[way] ?? null;
    return {
      label: criterion === null ? 'unpruned' : labelOf(criterion),
      criterion,
      cost,
      runs: runs.map(({ seed, accuracyBefore, epochs, bestEpoch }, at) => ({
        seed,
        accuracyBefore,
        validationAccuracy: validation[way].runs[at].accuracy,
        testAccuracy: test[way].runs[at].accuracy,
        testMacroF1: test[way].runs[at].macroF1,
        epochs,
        bestEpoch,
      })),
      validationAccuracy: validation[way].accuracy,
      testAccuracy: test[way].accuracy,
      testMacroF1: test[way].macroF1,
      accuracyDifference: way === 0 ? null : test[way].accuracyDifference,
      macroF1Difference: way === 0 ? null : test[way].macroF1Difference,
      proof: criterion === null ? null : Math.max(...runs.map(({ proof }) => proof ?? 0)),
      plan,
      notes: criterion === null ? [] : notesOf(runs, { flops, epochs: epochsLeast }),
    };
  });
  const criteria = rows.slice(0, request.criteria.length);
  const chosen = criteria.reduce((best, row) => (row.validationAccuracy.value > best.validationAccuracy.value ? row : best));
  const { model, dataset, layers, roundTo, minChannels, protect, recalibrate, fineTune, deterministic, seed } = request;
  return {
    rows,
    flops,
    chosen: chosen.label,
    summary: summaryOf(rows, chosen, request.seeds, labels.test.length),
    headReplaced,
    transfer,
    images: { train: labels.train.length, validation: labels.validation.length, test: labels.test.length },
    next: {
      model,
      dataset,
      ...(chosen.criterion ?? request.criteria[0]),
      layers,
      target: { flops },
      roundTo,
      minChannels,
      protect,
      recalibrate,
      fineTune,
      deterministic,
      planOnly: false,
      seed,
    },
    hashes,
    engine,
    seed,
  };
}

/** What the plans say, and where FLOPs or training are not those of the others. */
function notesOf(runs: readonly KeptRun[], { flops, epochs }: { readonly flops: number; readonly epochs: number }): string[] {
  const [{ cost }] = runs;
  const missed = 1 - cost.flops / flops;
  const short = missed > TOLERANCE ? [`It has ${(100 * missed).toFixed(1)} % fewer FLOPs than the others may have.`] : [];
  const trained = Math.max(...runs.map((run) => run.epochs));
  const longer = trained > epochs ? [`It was trained for ${trained} epochs in all, and others for ${epochs}.`] : [];
  return [...short, ...longer, ...new Set(runs.flatMap(({ plan }) => plan?.notes ?? []))];
}

const points = ({ value, low, high }: Estimate): string => `${signed(value)} points [${signed(low)}, ${signed(high)}]`;
const signed = (share: number): string => `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)}`;

/** The comparison in words, no stronger than its intervals. */
function summaryOf(rows: readonly ComparedRow[], chosen: ComparedRow, seeds: number, testImages: number): string {
  const [first] = rows;
  const basis = `${testImages} test images and ${seeds === 1 ? 'one seed, so the spread from seed to seed is not in the intervals' : `${seeds} seeds`}`;
  const sentences = rows.slice(1).map(({ label, accuracyDifference: difference }) => {
    if (difference === null || (difference.low <= 0 && difference.high >= 0)) {
      return `${label} and ${first.label} cannot be told apart${difference === null ? '' : ` (${points(difference)})`}.`;
    }
    return `${label} is ${difference.value > 0 ? 'better' : 'worse'} than ${first.label}: ${points(difference)}.`;
  });
  const choice = `${chosen.label} has the highest accuracy on the validation images.`;
  return [choice, `On ${basis}:`, ...sentences].join(' ');
}
