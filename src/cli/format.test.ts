import { describe, expect, it } from 'vitest';
import { bytes, duration, percentWithInterval, si, sparkline, table } from './format.ts';

describe('figures for people', () => {
  it('keeps three digits and moves to the next unit in time', () => {
    expect([0, 7, 999, 999.7, 1000, 81_100_000, 999_600_000, 2.5e12].map(si)).toEqual([
      '0',
      '7',
      '999',
      '1.00k',
      '1.00k',
      '81.1M',
      '1.00G',
      '2.50T',
    ]);
    expect([12, 3_412_992].map(bytes)).toEqual(['12 B', '3.41 MB']);
  });

  it('writes intervals in percent and times as clocks', () => {
    expect(percentWithInterval({ value: 0.941, low: 0.9301, high: 0.951 })).toBe('94.1 [93.0, 95.1]');
    expect([0.4, 48, 75, 3723].map(duration)).toEqual(['0:00', '0:48', '1:15', '1:02:03']);
  });

  it('shows that a bin is not empty, however small', () => {
    expect(sparkline([0, 1, 1000])).toBe(' ▁█');
  });

  it('aligns columns', () => {
    expect(
      table(
        ['name', '>n'],
        [
          ['a', '1'],
          ['bcd', '100'],
        ],
      ),
    ).toBe(['  name    n', '  a       1', '  bcd   100'].join('\n'));
  });
});
