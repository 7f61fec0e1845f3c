import { pc } from './colour.ts';
import type { Profile, ProfileComparison } from '../schema/profiles.ts';
import { Failure } from '../core/failure.ts';
import { percent, sparkline, table } from './format.ts';

export function profileView(p: Profile, modelName: string): string {
  const sample = p.images === null ? '' : ` · ${p.images} images × ${p.positionsPerImage} positions`;
  const rows = p.layers.map(({ layer, kernels, size, dice, note, dead }) => [
    layer,
    String(kernels),
    String(size),
    dice ? dice.diversity.toFixed(3) : '–',
    dice?.standardError ? `±${dice.standardError.diversity.toFixed(3)}` : '',
    signed(dice?.diversityExcess ?? null),
    dice ? percent(dice.redundantShare) : '–',
    dice ? dice.effectiveKernels.toFixed(1) : '–',
    dice ? `${dice.histogram.from.toFixed(2)} ${sparkline(dice.histogram.counts)} ${dice.histogram.to.toFixed(2)}` : (note ?? ''),
    dead > 0 ? `${dead} dead` : '',
  ]);
  const head = [
    'layer',
    '>kernels',
    p.source === 'weights' ? '>values' : '>samples',
    '>diversity',
    '',
    '>excess',
    '>redundant %',
    '>effective',
    'S_avg',
    '',
  ];
  const fast = p.precision === 'fast' ? [`  eight bits: S within ${p.similarityError.toExponential(1)} of float64, as measured`] : [];
  return [
    `${pc.bold(modelName)} · Dice ${p.source}${sample} · diversity ${p.diversity.toFixed(3)} (plain mean ${p.diversityUnweighted.toFixed(3)}) · excess over permuted kernels ${signed(p.diversityExcess)}`,
    ...fast,
    ...p.notes.map((note) => `  ${note}`),
    '',
    table(head, rows),
  ].join('\n');
}

const signed = (value: number | null): string => (value === null ? '–' : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`);

/** One layer with all that its profile says: quantiles of S_avg, the kernels most alike. Fails with `not-found`. */
export function layerView(p: Profile, modelName: string, name: string): string {
  const found = p.layers.find(({ layer }) => layer === name);
  if (found === undefined) {
    throw new Failure('not-found', `The profile has no layer "${name}".`, {
      hint: `It has ${p.layers.map(({ layer }) => layer).join(', ')}.`,
      field: '--layer',
    });
  }
  const { kernels, size, dead, dice, note } = found;
  const title = `${pc.bold(modelName)} · ${name} · ${kernels} kernels of ${size} ${p.source === 'weights' ? 'values' : 'samples'}${dead > 0 ? ` · ${dead} dead` : ''}`;
  if (dice === undefined) return [title, `  ${note ?? ''}`].join('\n');
  const { sAvgQuantiles: q, standardError } = dice;
  const error = standardError ? ` ± ${standardError.diversity.toFixed(4)}` : '';
  return [
    title,
    '',
    `  diversity          ${dice.diversity.toFixed(4)}${error} · excess over permuted kernels ${signed(dice.diversityExcess)}`,
    `  effective kernels  ${dice.effectiveKernels.toFixed(1)}`,
    `  redundant          ${percent(dice.redundantShare)} % have a partner above S ${dice.redundantAbove.toFixed(4)}`,
    `  S_avg              ${sparkline(dice.histogram.counts)}`,
    `                     minimum ${q.minimum.toFixed(4)} · 5 % ${q.q05.toFixed(4)} · 25 % ${q.q25.toFixed(4)} · median ${q.median.toFixed(4)} · 75 % ${q.q75.toFixed(4)} · 95 % ${q.q95.toFixed(4)} · maximum ${q.maximum.toFixed(4)}`,
    '',
    table(
      ['most alike', '', '>S'],
      dice.similarPairs.map(({ first, second, similarity }) => [String(first), String(second), similarity.toFixed(4)]),
    ),
  ].join('\n');
}

/** Two profiles layer by layer; a dash where only one has the layer. */
export function comparisonView(
  { source, before, after, difference, pairedBy, layers }: ProfileComparison,
  from: string,
  to: string,
): string {
  const number = (value: number | null | undefined, digits = 3): string => value?.toFixed(digits) ?? '–';
  const arrow = (one: string, two: string): string => (one === two ? one : `${one} → ${two}`);
  const rows = layers.map(({ before: old, after: now, difference: change }) => [
    pairedBy === 'name' ? ((now ?? old)?.layer ?? '') : arrow(old?.layer ?? '–', now?.layer ?? '–'),
    arrow(old ? String(old.kernels) : '–', now ? String(now.kernels) : '–'),
    arrow(number(old?.diversity), number(now?.diversity)),
    signed(change),
    arrow(signed(old?.diversityExcess ?? null), signed(now?.diversityExcess ?? null)),
    arrow(number(old?.effectiveKernels, 1), number(now?.effectiveKernels, 1)),
  ]);
  return [
    `${pc.bold(from)} → ${pc.bold(to)} · Dice ${source} · diversity ${arrow(number(before.diversity), number(after.diversity))} (${signed(difference)}) · kernels ${arrow(String(before.kernels), String(after.kernels))}`,
    ...(pairedBy === 'place' ? ['  no layer has a name in common: matched by place'] : []),
    '',
    table(['layer', '>kernels', '>diversity', '>change', '>excess', '>effective'], rows),
  ].join('\n');
}
