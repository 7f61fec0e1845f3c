import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Progress } from '../core/progress.ts';
import { throttle } from './throttle.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const at = (done: number): Progress => ({ phase: 'train', done, total: 100 });

function record() {
  const sent: number[] = [];
  return { sent, ...throttle(({ done }) => sent.push(done), 250) };
}

test('the first report goes out at once, then the latest in each interval', () => {
  const { sent, report } = record();
  report(at(1));
  expect(sent).toEqual([1]);
  report(at(2));
  report(at(3));
  vi.advanceTimersByTime(249);
  expect(sent).toEqual([1]);
  vi.advanceTimersByTime(2);
  expect(sent).toEqual([1, 3]);
});

test('reports go out even when no timer gets to run', () => {
  const { sent, report } = record();
  const clock = vi.spyOn(performance, 'now');
  for (const [done, ms] of [
    [1, 1000],
    [2, 1100],
    [3, 1251],
    [4, 1260],
  ]) {
    clock.mockReturnValue(ms);
    report(at(done));
  }
  expect(sent).toEqual([1, 3]);
});

test('flush passes on what waits, once', () => {
  const { sent, report, flush } = record();
  report(at(1));
  report(at(2));
  flush();
  flush();
  vi.advanceTimersByTime(1000);
  expect(sent).toEqual([1, 2]);
});
