import { mean, sampleVariance, type Estimate } from '../../../src/core/stats/index.ts';
import { estimateText, table } from '../markdown.ts';
import { calibrationOf, type Calibration } from './calibration.ts';
import { EPOCHS_MAX, EPOCHS_MIN, IMAGES_SEEN, seeds } from './fine-tune.ts';
import type { Judged, Row } from './rows.ts';

/** The page of what has been measured. */
export function selectionDocument(
  judged: readonly Judged[],
  rows: readonly Row[],
  { command, engine, testImages }: { command: string; engine: string; testImages: number },
): string {
  const backbones = judged[0].candidates.map(({ name }) => name);
  return `# Which score foretells the best base

\`${command}\` writes this page and \`src/core/transfer/outcomes.json\` from what it has measured. It resumes; delete \`.cache/evidence/selection*\` to measure again.

The ${backbones.length} backbones of the zoo on ${judged.length} targets whose classes none of them has seen: four classes of CIFAR-10, four of Fashion-MNIST and the ten of MNIST, with 10, 30 or 100 images a class to learn from, some of them grey, noisy or inverted. The truth is the test accuracy (${testImages.toLocaleString('en')} images) after the service's default fine-tuning of all weights, the mean of ${seeds.length} seeds; epochs are such that about ${IMAGES_SEEN} images are seen (${EPOCHS_MIN} to ${EPOCHS_MAX} epochs). Scores see the images to learn from and nothing else.

The default ranking predicts the fine-tuned accuracy: a ridge regression on a few of the scores (\`src/core/transfer/outcome-model.ts\`), whose penalty and error come from leaving out one dataset at a time. Here it is judged on targets that it was not taught by: taught by the other targets (leave one target out), by the targets of the other datasets only, or by nothing.

## How well each ranks

τ is Kendall's, weighted towards the top (1: the true order, 0: none); regret is how many points of accuracy the first choice, or the best of the first three, falls short of the best backbone. Means over the targets; 95 % intervals from a bootstrap over the targets, which come from three datasets only and are less independent than it takes them to be.

${table(
  ['ranked by', 'kind', 'weighted τ', 'regret@1, points', 'regret@3, points', 'targets'],
  rows.map(({ title, kind, verdict: { tau, regret1, regret3, targets } }) => [
    title,
    kind,
    estimateText(tau, { digits: 2 }),
    estimateText(regret1, { scale: 100 }),
    estimateText(regret3, { scale: 100 }),
    String(targets),
  ]),
)}

${words(rows)}

## Whether the intervals hold

${calibrationText(judged)}

## The true accuracies

Means of ${seeds.length} seeds in percent; the best of each target in bold.

${table(
  ['target', ...backbones],
  judged.map(({ id, accuracies }) => {
    const means = accuracies.map((runs) => mean(runs));
    const best = Math.max(...means);
    return [id, ...means.map((value) => (value === best ? `**${(100 * value).toFixed(1)}**` : (100 * value).toFixed(1)))];
  }),
)}

The standard deviation between seeds is ${(100 * seedSpread(judged)).toFixed(1)} points (root mean square over backbones and targets).

Engine: ${engine}.
`;
}

/** What comes out, good or bad. */
function words(rows: readonly Row[]): string {
  const find = (id: string): Row | undefined => rows.find((row) => row.id === id);
  const regret = ({ verdict }: Row): string => `${estimateText(verdict.regret1, { scale: 100 })} points`;
  const [ranking, random] = [find('default'), find('random')];
  const single = rows.filter(({ kind }) => kind !== 'default' && kind !== 'yardstick');
  const [best] = single;
  const dice = single.filter(({ kind }) => kind === 'Dice');
  const fixed = single.filter(({ kind }) => kind === 'static');
  const lines = [`Of the single scores ${best.title} orders the backbones best (τ ${estimateText(best.verdict.tau, { digits: 2 })}).`];
  if (ranking && random) {
    lines.push(
      `The default ranking, taught by the other datasets alone, loses ${regret(ranking)} to the best backbone by its first choice; a choice without looking loses ${regret(random)}.`,
    );
  }
  const habit = find('habit');
  if (habit) {
    lines.push(
      `Always the backbone that was best on the other targets loses ${regret(habit)}: that much of what the default reaches needs no look at the images.`,
    );
  }
  lines.push(
    `Of the Dice scores the best is ${dice[0].title} (τ ${estimateText(dice[0].verdict.tau, { digits: 2 })}, regret@1 ${regret(dice[0])}).`,
  );
  lines.push(`Of what needs no images at all the best is ${fixed[0].title} (τ ${estimateText(fixed[0].verdict.tau, { digits: 2 })}).`);
  return lines.join('\n');
}

/** What the default ranking claims of a target that it was not taught by, against what came out. */
function calibrationText(judged: readonly Judged[]): string {
  const ways: readonly (readonly [string, Calibration])[] = [
    ['the other targets', calibrationOf(judged, (target, other) => other.id !== target.id)],
    ['the other datasets', calibrationOf(judged, (target, other) => other.dataset !== target.dataset)],
    ['nothing', calibrationOf(judged, () => false)],
  ];
  const claim = (estimate: Estimate): string =>
    `${share(estimate)} of the fine-tunings, ${estimate.low <= 0.95 && estimate.high >= 0.95 ? 'which may be the 95 % that they claim' : 'which is not the 95 % that they claim'}`;
  const [[, near], [, far]] = ways;
  const share = (estimate: Estimate): string => `${estimateText(estimate, { scale: 100, digits: 0 })} %`;
  return `Each prediction is of one fine-tuning, so that it is held against each seed's accuracy. Intervals here are of a bootstrap over the targets, as above.

${table(
  [
    'taught by',
    'accuracies within their 95 % interval',
    'differences to the first choice within theirs',
    'first choice is best',
    'P(best) that it was given',
    'leads called more than chance, of them true',
  ],
  ways.map(([by, { accuracy, difference, chosenIsBest, chosenProbability, leads }]) => [
    by,
    share(accuracy),
    share(difference),
    share(chosenIsBest),
    share(chosenProbability),
    leads.called === 0 ? 'none' : `${leads.called}, ${leads.true}`,
  ]),
)}

Left out as a target, its intervals hold ${claim(near.accuracy)}; left out with all targets of its dataset, as a dataset is that nobody has seen, ${claim(far.accuracy)}. The service learns from all ${new Set(judged.map(({ dataset }) => dataset)).size} datasets here, and takes its error from leaving out one of them at a time.`;
}

function seedSpread(judged: readonly Judged[]): number {
  return Math.sqrt(mean(judged.flatMap(({ accuracies }) => accuracies.map(sampleVariance))));
}
