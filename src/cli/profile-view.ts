import { pc } from './colour.ts';
import type { Profile, ProfileComparison } from '../schema/profiles.ts';
import { percent, sparkline, table } from './format.ts';

export function profileView(p: Profile, modelName: string): string {
  const sample = p.images === null ? '' : ` · ${p.images} images × ${p.positionsPerImage} positions`;
  const rows = p.layers.map(({ layer, kernels, size, dice, note, dead }) => [
    layer,
    String(kernels),
    String(size),
    dice ? dice.diversity.toFixed(3) : '–',
    dice?.standardError ? `±${dice.standardError.diversity.toFixed(3)}` : '',
    dice ? dice.diversityExcess.toFixed(3) : '–',
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
    `${pc.bold(modelName)} · Dice ${p.source}${sample} · diversity ${p.diversity.toFixed(3)} (plain mean ${p.diversityUnweighted.toFixed(3)}) · excess over permuted kernels ${p.diversityExcess.toFixed(3)}`,
    ...fast,
    ...p.notes.map((note) => `  ${note}`),
    '',
    table(head, rows),
  ].join('\n');
}

/** Two profiles layer by layer; a dash where only one has the layer. */
export function comparisonView(
  { source, before, after, difference, pairedBy, layers }: ProfileComparison,
  from: string,
  to: string,
): string {
  const number = (value: number | null | undefined, digits = 3): string => value?.toFixed(digits) ?? '–';
  const signed = (value: number | null): string => (value === null ? '–' : `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(3)}`);
  const arrow = (one: string, two: string): string => (one === two ? one : `${one} → ${two}`);
  const rows = layers.map(({ before: old, after: now, difference: change }) => [
    pairedBy === 'name' ? ((now ?? old)?.layer ?? '') : arrow(old?.layer ?? '–', now?.layer ?? '–'),
    arrow(old ? String(old.kernels) : '–', now ? String(now.kernels) : '–'),
    arrow(number(old?.diversity), number(now?.diversity)),
    signed(change),
    arrow(number(old?.diversityExcess), number(now?.diversityExcess)),
    arrow(number(old?.effectiveKernels, 1), number(now?.effectiveKernels, 1)),
  ]);
  return [
    `${pc.bold(from)} → ${pc.bold(to)} · Dice ${source} · diversity ${arrow(number(before.diversity), number(after.diversity))} (${signed(difference)}) · kernels ${arrow(String(before.kernels), String(after.kernels))}`,
    ...(pairedBy === 'place' ? ['  no layer has a name in common: matched by place'] : []),
    '',
    table(['layer', '>kernels', '>diversity', '>change', '>excess', '>effective'], rows),
  ].join('\n');
}
