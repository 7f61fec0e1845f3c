import type { DatasetReport } from '../../../schema/datasets.ts';
import type { JobEstimate } from '../../../schema/prunings.ts';
import type { RecommendRequest } from '../../../schema/recommendations.ts';
import { epochsOf, halvingOf } from '../../recommendation/halving.ts';
import type { ModelRef, RecommendedModel } from '../../types.ts';
import { decodingSeconds, epochSeconds, inferenceSeconds, START_BYTES, START_SECONDS } from '../estimate.ts';
import { recipeOf } from '../recipes.ts';
import { sampleSize } from './images.ts';
import type { Study } from './study.ts';

/** Nodes of a network for each of its convolutions: normalisation, activation and what joins them. */
const NODES_PER_CONVOLUTION = 3;
/** Passes over the images that a cut takes: recalibration, and another look. */
const CUT_PASSES = 2;
/** Image passes of the pruning curve of the chosen model. */
const CURVE_IMAGES = 12_000;
/** Scores take about as long as the forward passes of a small network. */
const SCORE_SECONDS = 0.5;
/** Float64 of a k-NN table and of decompositions, for each pair of images. */
const PAIR_BYTES = 3 * Float64Array.BYTES_PER_ELEMENT;
const DECODED_AT_ONCE = 2;

/** What the job will take, told before it begins: it is the first line of its history. */
export async function estimateOf({ entries, input, log }: Study, candidates: readonly RecommendedModel[]): Promise<JobEstimate> {
  const { request, dataset } = input;
  const models = candidates.map(({ model }) => model);
  const unknown: ModelRef[] = [];
  for (const model of models) if ((await entries.read('observed', { model, seed: request.seed })) === undefined) unknown.push(model);
  const estimate = estimateRecommendation(unknown, models, { request, report: dataset.report });
  const what = `${models.length} ${models.length === 1 ? 'candidate' : 'candidates'} on ${sampleSize(dataset.report.counts)} images`;
  const seconds = Math.ceil(estimate.seconds);
  const time = seconds < 120 ? `${seconds} s` : `${Math.round(seconds / 60)} min`;
  log(`${what}: about ${time} and ${(estimate.memoryBytes / 1e9).toFixed(1)} GB of memory on this machine`, { estimate });
  return estimate;
}

/**
 * From counts alone; within about a factor of two on an idle CPU.
 *
 * @param unknown candidates that are not in the cache
 */
function estimateRecommendation(
  unknown: readonly ModelRef[],
  all: readonly ModelRef[],
  { request, report }: { readonly request: RecommendRequest; readonly report: DatasetReport },
): JobEstimate {
  const { counts } = report;
  const images = sampleSize(counts);
  const workOf = ({ summary: { cost, convolutions } }: ModelRef) => ({ flops: cost.flops, layers: convolutions * NODES_PER_CONVOLUTION });
  const sum = (models: readonly ModelRef[], seconds: (model: ModelRef) => number): number =>
    models.reduce((all, one) => all + seconds(one), 0);
  const { flopsMax = Infinity, paramsMax = Infinity, latencyMsMax, afterPruning } = request.constraints;
  const over = all.filter(({ summary: { cost } }) => afterPruning && (cost.flops > flopsMax || cost.params > paramsMax || latencyMsMax));
  const mean = sum(all, (one) => inferenceSeconds(CURVE_IMAGES, workOf(one))) / all.length;
  const scoring =
    START_SECONDS +
    decodingSeconds(counts.train + counts.validation) +
    sum(unknown, (one) => SCORE_SECONDS + inferenceSeconds(images, workOf(one))) +
    sum(over, (one) => SCORE_SECONDS + inferenceSeconds(CUT_PASSES * images, workOf(one))) +
    mean;
  const sides = new Set(all.map(({ summary: { inputShape } }) => inputShape.slice(0, 2).join('×')));
  const pixels = Math.max(...all.map(({ summary: { inputShape } }) => inputShape.reduce((product, side) => product * side, 1)));
  return {
    seconds: Math.min(scoring, request.budget?.seconds ?? Infinity) + verifySeconds(all, request, { ...counts, workOf }),
    memoryBytes:
      START_BYTES +
      Math.min(sides.size, DECODED_AT_ONCE) * (counts.train + counts.validation + images) * pixels +
      images * images * PAIR_BYTES +
      Math.max(...all.map(({ summary: { cost } }) => 2 * cost.bytes)),
  };
}

function verifySeconds(
  all: readonly ModelRef[],
  { verify }: RecommendRequest,
  { train, validation, workOf }: { train: number; validation: number; workOf(model: ModelRef): { flops: number; layers: number } },
): number {
  if (verify === undefined) return 0;
  if ('seconds' in verify.budget) return verify.budget.seconds;
  const { batchSize } = recipeOf({ recipe: 'default' }, 0);
  const longest = all.map((one) => epochSeconds({ train, validation, batchSize }, workOf(one))).sort((a, b) => b - a);
  const epochs = epochsOf(halvingOf(Math.min(verify.topK, all.length), verify.budget.epochs));
  const some = longest.slice(0, verify.topK);
  return (epochs * some.reduce((a, b) => a + b, 0)) / some.length;
}
