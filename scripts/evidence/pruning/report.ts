import { compareSeeds, type Estimate, type SeededFigures } from '../../../src/core/stats/index.ts';
import { estimateText, table } from '../markdown.ts';
import { FLOPS_SHARE, methods, RECIPE, seeds, UNPRUNED, type Method, type Outcome } from './runs.ts';

/** What the issue of pruning asks for: points of accuracy that may be lost. */
const AIM = 0.005;

export interface Measured {
  readonly method: Method;
  readonly outcome: Outcome;
  readonly seed: number;
}

/** The document of what has been measured; methods are compared over the seeds that both have. */
export function pruningDocument(
  measured: readonly Measured[],
  { labels, trainImages, command, engine }: { labels: Int32Array; trainImages: number; command: string; engine: string },
): string {
  const byMethod = new Map<string, Measured[]>();
  for (const run of measured) byMethod.set(run.method.id, [...(byMethod.get(run.method.id) ?? []), run]);
  const whole = byMethod.get(UNPRUNED.id) ?? [];
  const rows = [...byMethod.values()].map((runs) => {
    const [{ method, outcome }] = runs;
    const accuracy = beside(runs, runs, labels)?.accuracy;
    const difference = method === UNPRUNED ? undefined : beside(runs, whole, labels)?.accuracyDifference;
    const before = runs.reduce((sum, run) => sum + run.outcome.before, 0) / runs.length;
    return [
      method.title,
      (outcome.flops / 1e6).toFixed(1),
      (outcome.params / 1e3).toFixed(0),
      (100 * before).toFixed(1),
      accuracy ? estimateText(accuracy, { scale: 100 }) : '',
      difference ? differenceText(difference) : '',
      runs.map(({ seed }) => seed).join(', '),
    ];
  });
  const header = ['method', 'FLOPs, M', 'parameters, k', 'before fine-tuning, %', 'accuracy, %', 'against unpruned, points', 'seeds'];
  return `# Pruning ResNet-20 to half its FLOPs

\`${command}\` writes this page from what it has measured. It resumes; delete \`.cache/evidence/pruning\` to measure again.

ResNet-20 for CIFAR-10 from its published weights (81.0 % on these test images: the weights were trained on lossless images, these are JPEGs of quality 75), cut to at most ${100 * FLOPS_SHARE} % of its FLOPs by the plan named (every group by the same ratio where it does not say global), BatchNormalization recalibrated, then fine-tuned on ${trainImages.toLocaleString('en')} images: ${RECIPE.epochs} epochs, batch ${RECIPE.batchSize}, AdamW ${RECIPE.learningRate} with cosine decay, weight decay ${RECIPE.weightDecay}, flips and shifts. The unpruned model is fine-tuned identically. Epochs are chosen on 2,000 validation images; the ${labels.length.toLocaleString('en')} test images are used once a run. "Before fine-tuning" is measured on the validation images, which the published weights have seen.

${table(header, rows)}

Intervals are 95 % and hold which test images were drawn and which seeds were; differences are paired by both.

${verdict(byMethod, whole, labels)}

Engine: ${engine}.
`;
}

/** Whether each Dice method keeps the accuracy, and who is ahead where two differ in one thing. */
function verdict(byMethod: ReadonlyMap<string, readonly Measured[]>, whole: readonly Measured[], labels: Int32Array): string {
  const runsOf = (id: string): readonly Measured[] => byMethod.get(id) ?? [];
  const losses = ['dice', 'dice-activations', 'dice-taught'].flatMap((id) => {
    const loss = beside(runsOf(id), whole, labels)?.accuracyDifference;
    if (!loss) return [];
    const met = -loss.value <= AIM ? 'is within' : 'is not within';
    const sure =
      -loss.low <= AIM ? 'and the interval is too' : -loss.high > AIM ? 'and so says the interval' : 'but the interval leaves it open';
    return [`"${titleOf(id)}" at half the FLOPs ${met} ${100 * AIM} points of the unpruned model (${differenceText(loss)}), ${sure}.`];
  });
  const rivals = [
    ['dice', 'l1'],
    ['dice', 'random'],
    ['dice', 'dice-head'],
    ['dice-activations', 'dice'],
    ['dice-activations', 'l1-global'],
    ['dice-taught', 'dice-activations'],
  ].flatMap(([id, rival]) => {
    const ahead = beside(runsOf(id), runsOf(rival), labels)?.accuracyDifference;
    if (!ahead) return [];
    const words = ahead.low > 0 ? 'is ahead of' : ahead.high < 0 ? 'is behind' : 'ties with';
    return [`"${titleOf(id)}" ${words} "${titleOf(rival)}" (${differenceText(ahead)}).`];
  });
  const missing = methods.some(({ id }) => runsOf(id).length < seeds.length);
  const more = missing ? [`Not every method has its ${seeds.length} seeds yet: run the command again to go on.`] : [];
  return [...losses, ...rivals, ...more].map((line) => `- ${line}`).join('\n');
}

const titleOf = (id: string): string => methods.find((method) => method.id === id)?.title ?? id;

const differenceText = (difference: Estimate): string => estimateText(difference, { scale: 100, signed: true });

/** Figures of runs beside those of others over the seeds that both have; undefined without such a seed. */
function beside(runs: readonly Measured[], others: readonly Measured[], labels: Int32Array): SeededFigures | undefined {
  const pairs = runs.flatMap((run) => others.filter(({ seed }) => seed === run.seed).map((other) => ({ run, other })));
  if (pairs.length === 0) return undefined;
  const answers = ({ outcome }: Measured): Int32Array => Int32Array.from(outcome.predicted);
  const ways = [pairs.map(({ other }) => answers(other)), pairs.map(({ run }) => answers(run))];
  return compareSeeds(ways, labels, Math.max(...labels) + 1, { seed: 0 })[1];
}
