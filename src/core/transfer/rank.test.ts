import { describe, expect, it } from 'vitest';
import { type Candidate, rankCandidates } from './rank.ts';

const images = 400;
const labels = Array.from({ length: images }, (_, i) => i % 4);

/** Right on all images but the given ones. */
function candidate(id: string, wrong: (image: number) => boolean, more: Partial<Candidate> = {}): Candidate {
  return {
    id,
    name: `net-${id}`,
    logMe: { value: 0, low: -0.1, high: 0.1 },
    correct: Uint8Array.from({ length: images }, (_, image) => (wrong(image) ? 0 : 1)),
    weightDiversity: 0.4,
    activationDiversity: 0.6,
    redundantShare: 0.125,
    flops: 1e6,
    params: 1e5,
    ...more,
  };
}

const rank = (candidates: Candidate[], constraints = {}) => rankCandidates(candidates, labels, constraints, { seed: 1 });
const order = (candidates: Candidate[], constraints = {}) => rank(candidates, constraints).candidates.map(({ id }) => id);

describe('rankCandidates', () => {
  it('puts target evidence before diversity', () => {
    const { candidates, chosen, summary } = rank([
      candidate('diverse', (i) => i < 120, { activationDiversity: 0.9, weightDiversity: 0.9, logMe: { value: 2, low: 1.9, high: 2.1 } }),
      candidate('better', (i) => i < 40),
    ]);
    expect(chosen).toBe('better');
    expect(candidates.map(({ id, rank, tiedWith }) => [id, rank, tiedWith])).toEqual([
      ['better', 1, []],
      ['diverse', 2, []],
    ]);
    expect(candidates[0].predictedAccuracy.value).toBeCloseTo(0.9, 12);
    expect(candidates[0].probabilityBest).toBe(1);
    expect(candidates[1].behindChosen.value).toBeCloseTo(-0.2, 12);
    expect(candidates[1].behindChosen.high).toBeLessThan(0);
    expect(summary).toMatch(/^Start from net-better\. It leads net-diverse by 20\.0 points \[1\d\.\d, 2\d\.\d\] .*more than/);
  });

  it('calls a lead a tie when its interval holds 0, and shares the rank', () => {
    const { candidates, summary } = rank([
      candidate('a', (i) => i % 10 === 0),
      candidate('b', (i) => i % 10 === 1 || i < 2),
      candidate('c', (i) => i % 2 === 0),
    ]);
    expect(candidates.map(({ id, rank, tiedWith }) => [id, rank, tiedWith])).toEqual([
      ['a', 1, ['b']],
      ['b', 1, ['a']],
      ['c', 3, []],
    ]);
    expect(candidates[0].probabilityBest).toBeGreaterThan(0.4);
    expect(candidates[0].probabilityBest).toBeLessThan(0.8);
    expect(candidates[0].probabilityBest + candidates[1].probabilityBest).toBeCloseTo(1, 9);
    expect(summary).toMatch(/the interval holds 0, so the two tie and the lead may be chance/);
    expect(candidates[1].reasons.join(' ')).toMatch(/no more than the choice of images may explain/);
    expect(candidates[2].reasons.join(' ')).toMatch(
      /behind net-a by 40\.0 points \[3\d\.\d, 4\d\.\d\]: more than the choice of images explains/,
    );
  });

  it('decides equal accuracy by LogME, then activation and weight diversity, then FLOPs, then id', () => {
    const wrong = (i: number): boolean => i % 10 === 0;
    const high = { value: 0.5, low: 0.4, high: 0.6 };
    expect(order([candidate('a', wrong), candidate('b', wrong, { logMe: high })])).toEqual(['b', 'a']);
    expect(order([candidate('a', wrong), candidate('b', wrong, { activationDiversity: 0.7, weightDiversity: 0.1 })])).toEqual(['b', 'a']);
    expect(order([candidate('a', wrong), candidate('b', wrong, { weightDiversity: 0.5 })])).toEqual(['b', 'a']);
    expect(order([candidate('a', wrong, { activationDiversity: null }), candidate('b', wrong)])).toEqual(['b', 'a']);
    expect(order([candidate('a', wrong, { flops: 2e6 }), candidate('b', wrong)])).toEqual(['b', 'a']);
    expect(order([candidate('b', wrong), candidate('a', wrong)])).toEqual(['a', 'b']);
    expect(rank([candidate('a', wrong), candidate('b', wrong, { logMe: high })]).summary).toMatch(
      /right equally often .*higher LogME decided/,
    );
    expect(rank([candidate('a', wrong), candidate('b', wrong)]).candidates[0].probabilityBest).toBeCloseTo(0.5, 9);
  });

  it('marks what the constraints rule out, keeps what pruning brings under them', () => {
    const candidates = [
      candidate('huge', () => false, { flops: 9e7, params: 1e7 }),
      candidate('large', (i) => i % 20 === 0, { flops: 81.1e6 }),
      candidate('small', (i) => i % 5 === 0),
    ];
    const hard = rank(candidates, { flopsMax: 2e7 });
    expect(hard.chosen).toBe('small');
    expect(hard.candidates.map(({ id, excluded, probabilityBest }) => [id, excluded === null, probabilityBest])).toEqual([
      ['small', true, 1],
      ['huge', false, 0],
      ['large', false, 0],
    ]);
    const soft = rank(candidates, { flopsMax: 2e7, paramsMax: 1e6, afterPruning: true });
    expect(soft.chosen).toBe('large');
    expect(soft.candidates[0]).toMatchObject({ flopsAfterPruning: 2e7, excluded: null });
    expect(soft.candidates[0].reasons.join(' ')).toContain(
      'pruned from 81.1 MFLOPs to 20.0 MFLOPs; the prediction is for the network before',
    );
    expect(soft.candidates[2]).toMatchObject({
      id: 'huge',
      flopsAfterPruning: null,
      excluded: 'It has 10,000,000 parameters; at most 1,000,000 are allowed.',
    });
    expect(soft.warnings.join(' ')).toContain('judged before pruning');
    expect(() => rank(candidates, { paramsMax: 10 })).toThrow(
      expect.objectContaining({ code: 'target-unreachable', field: 'constraints' }),
    );
  });

  it('doubts rankings at chance and rankings that are too easy', () => {
    expect(rank([candidate('a', (i) => i % 4 < 3)]).warnings.join(' ')).toContain('commonest class (25.0 %)');
    expect(rank([candidate('a', () => false), candidate('b', () => false)]).warnings.join(' ')).toContain('too easy');
    expect(rank([candidate('a', (i) => i % 10 === 0)])).toMatchObject({ warnings: [], summary: expect.stringContaining('only candidate') });
  });

  it('repeats for a seed', () => {
    const candidates = [candidate('a', (i) => i % 10 === 0), candidate('b', (i) => i % 9 === 0)];
    expect(rank(candidates)).toEqual(rank(candidates));
    expect(JSON.parse(JSON.stringify(rank(candidates)))).toEqual(rank(candidates));
  });
});
