import { describe, expect, it } from 'vitest';
import { createRandom } from '../random.ts';
import { estimateOf } from './influence.ts';
import type { Outcome } from './outcome.ts';
import { fitOutcomes } from './outcome-model.ts';
import { rankCandidates } from './rank.ts';
import type { Candidate, Constraints, RankOptions } from './ranking-types.ts';
import { type CandidateScores, type Score, scoreIds, type ScoreId } from './scores.ts';

const images = 400;
const labels = Array.from({ length: images }, (_, i) => i % 4);

/** Placed rightly, by linear classifier and neighbours alike, on all images but the given ones. */
function candidate(
  id: string,
  wrong: (image: number) => boolean,
  more: Partial<Candidate> & { scores?: Partial<CandidateScores> } = {},
): Candidate {
  const correct = Float64Array.from({ length: images }, (_, image) => (wrong(image) ? 0 : 1));
  const value = correct.reduce((a, b) => a + b) / images;
  const influence = correct.map((one) => (one - value) / images);
  const accuracy = estimateOf({ value, influence }, labels);
  const none = Object.fromEntries(scoreIds.map((score) => [score, { value: null, reason: 'Not taken.' }])) as Record<ScoreId, Score>;
  const { scores, ...rest } = more;
  return {
    id,
    name: `net-${id}`,
    scored: {
      scores: { ...none, 'linear-probe': accuracy, knn: accuracy, ...scores },
      influences: { 'linear-probe': influence, knn: influence },
      warnings: [],
    },
    redundantShare: 0.125,
    flops: 1e6,
    params: 1e5,
    ...rest,
  };
}

const exact = (value: number): Score => ({ value, low: value, high: value });
const rank = (candidates: Candidate[], constraints: Constraints = {}, options: Partial<RankOptions> = {}) =>
  rankCandidates(candidates, labels, constraints, { seed: 1, ...options });

/** Fine-tunings in which scores foretell exactly, but for the noise given. */
function pastOutcomes(targets: number, noise: number, seed = 5): Outcome[] {
  const random = createRandom(seed);
  return Array.from({ length: targets }, (_, t) => {
    const level = random.normal() / 2;
    return Array.from({ length: 6 }, (_, b) => {
      const [probe, logme] = [1 + level + random.normal() / 3, random.normal()];
      const share = (x: number): number => 1 / (1 + Math.exp(-x));
      return {
        target: { id: `t${t}`, classes: 4, images },
        backbone: `b${b}`,
        scores: { 'linear-probe': share(probe), knn: share(probe), logme: 0.1 * logme },
        accuracy: share(0.8 + probe + 0.4 * logme + noise * random.normal()),
        seeds: 3,
        seedSpread: 0.004,
      };
    });
  }).flat();
}

describe('rankCandidates', () => {
  it('ranks by predicted accuracy, which without a past is that on frozen features', () => {
    const { candidates, chosen, predictedBy } = rank([candidate('b', (i) => i < 200), candidate('a', (i) => i < 20)]);
    expect(chosen).toBe('a');
    expect(candidates.map(({ id, rank }) => [id, rank])).toEqual([
      ['a', 1],
      ['b', 2],
    ]);
    expect(candidates[0].predictedAccuracy?.value).toBeCloseTo(0.95, 2);
    expect(candidates[1].behindChosen?.value).toBeCloseTo(-0.45, 2);
    expect(candidates[1].behindChosen?.high).toBeLessThan(0);
    expect(candidates[0].probabilityBest).toBeGreaterThan(0.95);
    expect(predictedBy).toContain('no past fine-tunings');
  });

  it('is surer where the past says that scores foretell well, and uses what it says', () => {
    const pair = [candidate('a', (i) => i % 10 === 0), candidate('b', (i) => i % 10 < 2)];
    const [untaught, taught] = [rank(pair), rank(pair, {}, { outcomes: pastOutcomes(12, 0.03) })];
    expect(untaught.candidates[0].tiedWith).toEqual(['b']);
    expect(taught.candidates[0].tiedWith).toEqual([]);
    expect(taught.candidates[0].probabilityBest).toBeGreaterThan(untaught.candidates[0].probabilityBest);
    // Fine-tuning gained 0.8 logits everywhere: 0.9 becomes 0.95.
    expect(taught.candidates[0].predictedAccuracy?.value).toBeCloseTo(0.95, 1);
    expect(taught.predictedBy).toMatch(/learnt from 72 fine-tunings on 12 targets; .* points off/);
    const twins = [
      candidate('a', (i) => i % 10 === 0, { scores: { logme: exact(0) } }),
      candidate('b', (i) => i % 10 === 0, { scores: { logme: exact(0.3) } }),
    ];
    expect(rank(twins, {}, { outcomes: pastOutcomes(12, 0.03) }).chosen).toBe('b');
  });

  it('takes its error from sources that were left out whole', () => {
    const past = pastOutcomes(12, 0.03).map((outcome, i) => {
      // On the second half what helped before hurts.
      const scores = { ...outcome.scores, logme: (i < 36 ? 1 : -1) * (outcome.scores.logme ?? 0) };
      return { ...outcome, scores, target: { ...outcome.target, source: i < 36 ? 'one' : 'other' } };
    });
    const apart = past.map((outcome) => ({ ...outcome, target: { ...outcome.target, source: undefined } }));
    expect(fitOutcomes(past).spread.model).toBeGreaterThan(fitOutcomes(apart).spread.model);
    expect(fitOutcomes(past)).toMatchObject({ targets: 12, sources: 2 });
    expect(fitOutcomes(past.filter(({ target }) => target.source === 'one')).leftOutError).toBeNull();
    expect(rank([candidate('a', (i) => i < 9)], {}, { outcomes: past }).predictedBy).toContain(
      '12 targets of 2 datasets; on a dataset left out',
    );
  });

  it('calls a lead a tie when its interval holds 0, and shares the rank', () => {
    const { candidates, summary } = rank(
      [candidate('a', (i) => i % 10 === 0), candidate('b', (i) => i % 10 === 1 || i < 2), candidate('c', (i) => i % 2 === 0)],
      {},
      { outcomes: pastOutcomes(12, 0.1) },
    );
    expect(candidates.map(({ id, rank, tiedWith }) => [id, rank, tiedWith])).toEqual([
      ['a', 1, ['b']],
      ['b', 1, ['a']],
      ['c', 3, []],
    ]);
    expect(candidates[0].probabilityBest + candidates[1].probabilityBest).toBeCloseTo(1, 9);
    expect(summary).toMatch(
      /^Start from net-a\. It leads net-b by \d\.\d points \[−\d\.\d, \d\.\d\]: the interval holds 0, so the two tie and the lead may be chance/,
    );
    expect(candidates[1].reasons.join(' ')).toMatch(/no more than chance may explain/);
    expect(candidates[2].reasons.join(' ')).toMatch(/behind net-a by \d\d\.\d points \[\d\d\.\d, \d\d\.\d\]: more than chance explains/);
  });

  it('ranks by any score or by diversity when asked, with their own intervals', () => {
    const scores = (dice: number, activations: number): Partial<CandidateScores> => ({
      'dice-weights': exact(dice),
      'dice-activations': { value: activations, low: activations - 0.02, high: activations + 0.02 },
    });
    const pair = [
      candidate('a', (i) => i < 10, { scores: scores(0.1, 0.5) }),
      candidate('b', (i) => i < 100, { scores: scores(0.2, 0.49) }),
    ];
    const byWeights = rank(pair, {}, { rankBy: 'dice-weights' });
    expect(byWeights.chosen).toBe('b');
    expect(byWeights.candidates[0]).toMatchObject({ rankedBy: { value: 0.2, low: 0.2, high: 0.2 }, tiedWith: [] });
    expect(byWeights.summary).toContain('in Dice diversity of weights by 0.100');
    const byActivations = rank(pair, {}, { rankBy: 'dice-activations' });
    expect(byActivations.candidates[0]).toMatchObject({ id: 'a', tiedWith: ['b'] });
    expect(rank(pair, {}, { rankBy: 'diversity' }).candidates[0].rankedBy?.value).toBeCloseTo(0.345, 12);
    expect(rank(pair, {}, { rankBy: 'knn' }).candidates[0].rankedBy?.value).toBeCloseTo(0.975, 12);
  });

  it('puts a measured accuracy in the place of the predicted one', () => {
    const measured = { accuracy: { value: 0.9, low: 0.88, high: 0.92 }, seeds: 1, spread: null };
    const { candidates } = rank([candidate('a', (i) => i < 100), candidate('b', (i) => i < 120, { verified: measured })]);
    const verified = candidates.find(({ id }) => id === 'b');
    expect(verified?.predictedAccuracy?.value).toBe(0.9);
    expect(verified?.predictedAccuracy?.low).toBeGreaterThan(0.85);
    expect(verified?.reasons.join(' ')).toContain('fine-tuned on these images once and reached 90.0 % [88.0, 92.0]');
  });

  it('lets what was verified move what is predicted of the others, and says what was stopped early', () => {
    const [a, b] = [candidate('a', (i) => i < 100), candidate('b', (i) => i < 100)];
    const accuracyOf = (verified?: Candidate['verified']) => {
      const found = rank([a, { ...b, verified }]).candidates;
      return { value: found.find(({ id }) => id === 'a')?.predictedAccuracy?.value ?? 0, found };
    };
    const before = accuracyOf();
    const better = accuracyOf({ accuracy: { value: 0.95, low: 0.93, high: 0.97 }, seeds: 1, spread: null });
    const worse = accuracyOf({ accuracy: { value: 0.2, low: 0.17, high: 0.23 }, seeds: 1, spread: null });
    expect(worse.value).toBeLessThan(before.value);
    expect(better.value).toBeGreaterThan(before.value);
    expect(better.value).toBeLessThan(0.95);
    const stopped = { epochs: 2, accuracy: 0.3 };
    const early = accuracyOf({ accuracy: { value: 0.8, low: 0.6, high: 0.9 }, seeds: 1, spread: null, stopped });
    expect(early.value).toBe(before.value);
    expect(early.found.find(({ id }) => id === 'b')?.reasons.join(' ')).toContain('stopped after epoch 2 at 30.0 %');
  });

  it('ranks candidates without scores last, by name', () => {
    const failed = { ...candidate('x', () => false), scored: { failed: 'Its features hold NaN for image 3, dimension 0.' } };
    const { candidates } = rank([failed, candidate('a', (i) => i < 20)]);
    expect(candidates.map(({ id, excluded, probabilityBest }) => [id, excluded, probabilityBest])).toEqual([
      ['a', null, 1],
      ['x', 'Its features hold NaN for image 3, dimension 0.', 0],
    ]);
    expect(candidates[1]).toMatchObject({ predictedAccuracy: null, behindChosen: null });
    expect(() => rank([failed])).toThrow(
      expect.objectContaining({ code: 'unusable-dataset', message: expect.stringContaining('net-x: Its features') }),
    );
    const { candidates: byLogMe } = rank(
      [candidate('a', () => false), candidate('b', (i) => i < 9, { scores: { logme: exact(1) } })],
      {},
      { rankBy: 'logme' },
    );
    expect(byLogMe[1]).toMatchObject({ id: 'a', excluded: 'It has no LogME. Not taken.' });
  });

  it('marks what the constraints rule out, keeps what pruning brings under them, shows the nearest', () => {
    const candidates = [
      candidate('huge', () => false, { flops: 9e7, params: 1e7 }),
      candidate('large', (i) => i % 20 === 0, { flops: 81.1e6 }),
      candidate('small', (i) => i % 5 === 0, { latencyMs: 2 }),
    ];
    const hard = rank(candidates, { flopsMax: 2e7 });
    expect(hard.candidates.map(({ id, excluded, probabilityBest }) => [id, excluded === null, probabilityBest])).toEqual([
      ['small', true, 1],
      ['huge', false, 0],
      ['large', false, 0],
    ]);
    const soft = rank(candidates, { flopsMax: 2e7, afterPruning: true });
    expect(soft.candidates[1]).toMatchObject({ id: 'large', flopsAfterPruning: 2e7, excluded: null });
    expect(soft.candidates[1].reasons.join(' ')).toContain(
      'pruned from 81.1 MFLOPs to 20.0 MFLOPs; the prediction is for the network before',
    );
    expect(soft.warnings.join(' ')).toContain('judged before pruning');
    expect(() => rank(candidates, { flopsMax: 9e5, latencyMsMax: 1 })).toThrow(
      expect.objectContaining({
        code: 'target-unreachable',
        field: 'constraints',
        hint: expect.stringMatching(/nearest is net-small: allow 1,000,000 FLOPs and 2\.00 ms/),
      }),
    );
    const cut = [candidate('a', (i) => i < 9, { flops: 9e7, latencyMs: 3, scoredAfterPruning: true }), candidate('b', (i) => i < 20)];
    expect(rank(cut, { flopsMax: 1e7, afterPruning: true })).toMatchObject({ chosen: 'a', warnings: [] });
    expect(rank(cut, { latencyMsMax: 1, afterPruning: true }).chosen).toBe('b');
  });

  it('says what sets the chosen one apart', () => {
    const { summary, candidates } = rank([
      candidate('a', (i) => i < 20, { lateDiversity: 0.66, redundantShare: 0.14 }),
      candidate('b', (i) => i < 300, { lateDiversity: 0.61 }),
    ]);
    expect(summary).toMatch(
      /^Start from net-a\. It leads net-b by \d\d\.\d points \[.*\], more than chance explains\. Its late layers are more diverse on your images than those of net-b \(0\.66 against 0\.61\); 14\.0 % of its kernels have a near-duplicate in their layer, so it should prune well\.$/,
    );
    expect(candidates[1].reasons).toContain('Its late layers are less diverse on your images than those of net-a (0.61 against 0.66).');
  });

  it('doubts rankings at chance and rankings that are too easy', () => {
    expect(rank([candidate('a', (i) => i % 4 < 3)]).warnings.join(' ')).toContain('commonest class (25.0 %)');
    expect(rank([candidate('a', () => false), candidate('b', () => false)]).warnings.join(' ')).toContain('too easy');
    expect(rank([candidate('a', (i) => i % 10 === 0)])).toMatchObject({ warnings: [], summary: expect.stringContaining('only candidate') });
  });

  it('repeats for a seed and can be sent as JSON', () => {
    const candidates = [candidate('a', (i) => i % 10 === 0), candidate('b', (i) => i % 9 === 0)];
    expect(rank(candidates)).toEqual(rank(candidates));
    expect(JSON.parse(JSON.stringify(rank(candidates)))).toEqual(rank(candidates));
  });
});

describe('fitOutcomes', () => {
  it('learns slopes and level, and knows its own error', () => {
    const model = fitOutcomes(pastOutcomes(20, 0.1));
    const slope = (id: ScoreId): number => model.slopes.find((one) => one.id === id)?.slope ?? Number.NaN;
    expect(slope('linear-probe') + slope('knn')).toBeCloseTo(1, 1);
    expect(slope('logme')).toBeCloseTo(4, 0);
    expect(model.level.intercept + model.level.slope).toBeCloseTo(1.8, 1);
    expect(model.spread.model).toBeGreaterThan(0.07);
    expect(model.spread.model).toBeLessThan(0.14);
    expect(model.leftOutError).toBeLessThan(0.05);
  });

  it('keeps to the frozen features where the past is noise or short', () => {
    expect(fitOutcomes(pastOutcomes(2, 0)).outcomes).toBe(0);
    const noise = pastOutcomes(6, 3);
    const model = fitOutcomes(noise);
    const { slope } = model.slopes.find(({ id }) => id === 'logme') ?? { slope: Number.NaN };
    expect(Math.abs(slope)).toBeLessThan(4);
    expect(model.spread.model).toBeGreaterThan(1.5);
  });

  it('takes outcomes with scores that are missing', () => {
    const outcomes = pastOutcomes(8, 0.1).map((outcome, i) =>
      i % 2 === 0 ? outcome : { ...outcome, scores: { ...outcome.scores, logme: null } },
    );
    const { slopes, leftOutError } = fitOutcomes(outcomes);
    expect(slopes.every(({ slope }) => Number.isFinite(slope))).toBe(true);
    expect(leftOutError).toBeLessThan(0.15);
  });
});
