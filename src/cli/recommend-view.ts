import { z } from '@hono/zod-openapi';
import { estimate } from '../schema/common.ts';
import type { FineTune } from '../schema/fine-tuning.ts';
import type { RankedCandidate, Recommendation } from '../schema/recommendations.ts';
import { pc } from './colour.ts';
import { duration, fixed, percent, percentWithInterval, si, sparkline, table } from './format.ts';
import { targetFlags } from './targets.ts';

// A recommendation as a table and words: what, how sure, why, what next.

type ScoreName = keyof RankedCandidate['scores'];

/** Epochs of a learning curve that are drawn. */
const CURVE_POINTS_MAX = 24;

export function recommendationView(r: Recommendation): string {
  const timed = r.ranking.some(({ latencyMs }) => latencyMs !== null);
  const excluded = r.ranking.some((c) => c.excluded !== null);
  const own = r.rankBy === 'default' ? [] : [`>${r.rankBy}`];
  const head = [
    '>#',
    'backbone',
    'predicted %',
    '>P(best)',
    ...own,
    'diversity w / a',
    '>FLOPs',
    ...(timed ? ['>ms'] : []),
    '>LogME',
    '>k-NN',
  ];
  const rows = r.ranking.map((c, i) => [
    place(c, i, r.ranking),
    c.name,
    c.predictedAccuracy ? percentWithInterval(c.predictedAccuracy) : '–',
    c.excluded === null ? c.probabilityBest.toFixed(2) : '',
    ...own.map(() => fixed(c.rankedBy?.value ?? null, 3)),
    `${fixed(score(c, 'dice-weights'), 3)}  ${fixed(score(c, 'dice-activations'), 3)}`,
    arrow(si(c.cost.flops), c.pruned && si(c.pruned.cost.flops)),
    ...(timed ? [arrow(fixed(c.latencyMs, 2), c.pruned && fixed(c.pruned.latencyMs, 2))] : []),
    fixed(score(c, 'logme'), 3),
    percentOf(score(c, 'knn')),
    ...(excluded ? [pc.yellow(c.excluded === null ? '' : firstSentence(c.excluded))] : []),
  ]);
  return [
    table(excluded ? [...head, ''] : head, rows),
    pc.dim(`  predicted: ${r.predictedBy}`),
    ...prunedLines(r),
    ...verificationLines(r),
    '',
    r.summary,
    ...chosen(r).reasons.map((reason) => `  · ${reason}`),
    ...r.leftOut.map(({ name, reason }) => pc.dim(`  ${name} was left out: ${reason}`)),
    ...r.warnings.map((warning) => pc.yellow(`  ! ${warning}`)),
  ].join('\n');
}

/** The command that does what `next` asks for. */
export function nextCommand(r: Recommendation, dataset: string): string {
  return `espalier prune ${chosen(r).name} ${dataset} ${[targetFlags(r.next.target), ...tuningFlags(r.next.fineTune)].join(' ')}`;
}

/** The candidate that the recommendation names. */
export function chosen(r: Recommendation): RankedCandidate {
  const found = r.ranking.find(({ model }) => model === r.chosen);
  if (!found) throw new Error(`Recommendation ${r.id} chose a model that it did not rank.`);
  return found;
}

const toldOnTheWay = z.object({
  ranking: z.array(
    z.object({
      name: z.string(),
      rank: z.int(),
      predictedAccuracy: estimate.nullable(),
      probabilityBest: z.number(),
      excluded: z.string().nullable(),
    }),
  ),
});

/** The best so far, as the job tells them while it goes on; undefined for other lines of its history. */
export function bestSoFar(data: Readonly<Record<string, unknown>>): string | undefined {
  const told = toldOnTheWay.safeParse(data);
  if (!told.success) return undefined;
  const { ranking } = told.data;
  const rows = ranking.map((c, i) => [
    place(c, i, ranking),
    c.name,
    c.predictedAccuracy ? percentWithInterval(c.predictedAccuracy) : '–',
    c.excluded === null ? c.probabilityBest.toFixed(2) : '',
  ]);
  return table(['>#', 'best so far', 'predicted %', '>P(best)'], rows);
}

function place({ rank, excluded }: { rank: number; excluded: string | null }, at: number, all: readonly { rank: number }[]): string {
  if (excluded !== null) return '–';
  return at > 0 && rank === all[at - 1].rank ? '=' : String(rank);
}

function score({ scores }: RankedCandidate, name: ScoreName): number | null {
  return scores[name]?.value ?? null;
}

const percentOf = (share: number | null): string => (share === null ? '–' : percent(share));
const arrow = (before: string, after: string | null): string => (after === null ? before : `${before} → ${after}`);
const firstSentence = (text: string): string => /^.*?[.!?](?= |$)/.exec(text)?.[0] ?? text;

/** What the cut costs each candidate that had to be cut. */
function prunedLines({ ranking }: Recommendation): string[] {
  const rows = ranking.flatMap(({ name, pruned, predictedAccuracy }) =>
    pruned
      ? [
          [
            name,
            `${pruned.channelsRemoved} of ${pruned.channels}`,
            pruned.accuracyBefore ? percentWithInterval(pruned.accuracyBefore) : '–',
            predictedAccuracy ? percentWithInterval(predictedAccuracy) : '–',
          ],
        ]
      : [],
  );
  return rows.length === 0 ? [] : ['', table(['once it fits', '>channels that leave', 'predicted before %', 'after %'], rows)];
}

function verificationLines({ verification, ranking }: Recommendation): string[] {
  if (verification === null) return [];
  const rows = ranking.flatMap(({ name, verified }) => {
    if (verified === null) return [];
    const { runs } = verified;
    const end =
      verified.droppedAfter === null
        ? `${verified.epochs} ${verified.epochs === 1 ? 'epoch' : 'epochs'}`
        : `dropped after ${verified.droppedAfter}`;
    const [first, ...others] = runs.map(({ seed, accuracy, history }) => ({
      accuracy: percent(accuracy),
      curve: curveOf(history),
      of: runs.length === 1 ? '' : ` · seed ${seed}`,
    }));
    return [
      [name, percentWithInterval(verified.accuracy), first.curve, `${end}${first.of && `${first.of}: ${first.accuracy}`}`],
      ...others.map(({ accuracy, curve, of }) => ['', '', curve, `${end}${of}: ${accuracy}`]),
    ];
  });
  // The warnings say why nothing was verified.
  if (rows.length === 0) return [];
  const again = verification.seeds.length > 1 ? `, those that went to the end with ${verification.seeds.length} seeds` : '';
  const took = `fine-tuned: ${verification.epochs} epochs in ${duration(verification.seconds)}${again}`;
  return ['', table(['verified', 'validation %', 'epoch by epoch', ''], rows), pc.dim(`  ${took}`)];
}

function curveOf(history: readonly { readonly validationAccuracy: number }[]): string {
  const accuracies = history.map(({ validationAccuracy }) => validationAccuracy);
  const least = Math.min(...accuracies);
  const step = Math.ceil(accuracies.length / CURVE_POINTS_MAX);
  return sparkline(
    accuracies.filter((_, epoch) => epoch % step === 0 || epoch === accuracies.length - 1).map((a) => 1 + 100 * (a - least)),
  );
}

function tuningFlags({ epochs, learningRate, patience, classWeights, distill }: FineTune): string[] {
  const values = { epochs, 'learning-rate': learningRate, patience, 'class-weights': classWeights };
  const flags = Object.entries(values).flatMap(([flag, value]) => (value === undefined ? [] : [`--${flag} ${value}`]));
  return distill ? [...flags, '--distill'] : flags;
}
