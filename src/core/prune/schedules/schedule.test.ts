import { describe, expect, it } from 'vitest';
import { criteria } from '../criteria.ts';
import { scheduleOf, type AskedSchedule } from './schedule.ts';

const of = (criterion: string, schedule?: AskedSchedule, target: object = { ratio: 0.5 }, plan?: unknown) =>
  scheduleOf({ criterion, schedule, target, plan });

describe('scheduleOf', () => {
  it('is the criterion’s own where none is asked for', () => {
    const kinds = Object.fromEntries(Object.keys(criteria).map((criterion) => [criterion, of(criterion).kind]));
    expect(Object.entries(kinds).filter(([, kind]) => kind !== 'one-shot')).toEqual([
      ['sfp', 'sparse'],
      ['growing-reg', 'sparse'],
      ['growing-reg-2', 'sparse'],
      ['lottery', 'iterative'],
    ]);
  });

  it('fills in what is left out', () => {
    expect(of('l1', { kind: 'iterative' })).toEqual({ kind: 'iterative', steps: 3, epochsPerStep: 3, rewindEpochs: null });
    expect(of('lottery', { kind: 'iterative', steps: 5 })).toEqual({ kind: 'iterative', steps: 5, epochsPerStep: 3, rewindEpochs: 1 });
    expect(of('lottery', { kind: 'iterative', rewindEpochs: 0 })).toMatchObject({ rewindEpochs: 0 });
    expect(of('bn-scale', { kind: 'sparse', epochs: 4 })).toEqual({ kind: 'sparse', epochs: 4, strength: 1e-3 });
    expect(of('growing-reg')).toEqual({ kind: 'sparse', epochs: 10, strength: null });
  });

  it.each<[string, string, string, AskedSchedule?, object?, unknown?]>([
    ['soft pruning without training', 'schedule.kind', 'sfp', { kind: 'one-shot' }],
    ['growing regularisation in steps', 'schedule.kind', 'growing-reg-2', { kind: 'iterative' }],
    ['lottery without steps', 'schedule.kind', 'lottery', { kind: 'one-shot' }],
    ['lottery with a sparse training', 'schedule.kind', 'lottery', { kind: 'sparse' }],
    ['a sparse training that does not exist', 'schedule.kind', 'dice', { kind: 'sparse' }],
    ['a strength of nothing', 'schedule.strength', 'sfp', { kind: 'sparse', strength: 1 }],
    ['steps to a measured target', 'target', 'l1', { kind: 'iterative' }, { elbow: true }],
    ['soft pruning to a measured target', 'target', 'sfp', undefined, { latencyMs: 1 }],
    ['a plan and a schedule', 'schedule', 'l1', { kind: 'iterative' }, undefined, {}],
  ])('refuses %s', (_, field, criterion, schedule, target, plan) => {
    expect(() => of(criterion, schedule, target, plan)).toThrow(expect.objectContaining({ code: 'invalid-request', field }));
  });

  it('replays a plan of any criterion at once, and finds a target first where the training waits for it', () => {
    expect(of('sfp', undefined, { ratio: 0.5 }, {})).toEqual({ kind: 'one-shot' });
    expect(of('growing-reg', undefined, { accuracyDropMax: 0.1 }).kind).toBe('sparse');
    expect(of('group-norm', { kind: 'sparse' }, { elbow: true }).kind).toBe('sparse');
  });
});
