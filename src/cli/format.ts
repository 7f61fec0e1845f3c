import { pc } from './colour.ts';
import Table from 'cli-table3';
import type { Estimate } from '../schema/common.ts';

const UNITS = ['', 'k', 'M', 'G', 'T'] as const;

/** Three significant digits with an SI suffix: 81,100,000 → `81.1M`. */
export function si(value: number): string {
  let scaled = value;
  let unit = 0;
  // 999.5 would print as 1000 of the smaller unit.
  while (Math.abs(scaled) >= 999.5 && unit < UNITS.length - 1) {
    scaled /= 1000;
    unit++;
  }
  const digits = unit === 0 && Number.isInteger(scaled) ? 0 : Math.abs(scaled) >= 100 ? 0 : Math.abs(scaled) >= 10 ? 1 : 2;
  return `${scaled.toFixed(digits)}${UNITS[unit]}`;
}

/** 3,412,992 bytes → `3.41 MB`. */
export function bytes(value: number): string {
  const text = si(value);
  return /[kMGT]$/.test(text) ? `${text.slice(0, -1)} ${text.slice(-1)}B` : `${text} B`;
}

/** A share as percent with one digit, without the sign: 0.941 → `94.1`. */
export const percent = (share: number): string => (share * 100).toFixed(1);

/** `94.1 [93.0, 95.1]`, in percent. */
export const percentWithInterval = (e: Estimate): string => `${percent(e.value)} [${percent(e.low)}, ${percent(e.high)}]`;

/** A difference of shares in points, with its sign: 0.012 → `+1.2`. */
export const signedPoints = (share: number): string => `${share < 0 ? '−' : '+'}${percent(Math.abs(share))}`;

/** `1 thread`, `2 threads`. */
export const threadsOf = ({ threads }: { readonly threads: number }): string => `${threads} ${threads === 1 ? 'thread' : 'threads'}`;

/** A figure that may be missing, with a minus where it is below zero. */
export const fixed = (value: number | null, digits: number): string => (value === null ? '–' : value.toFixed(digits).replace('-', '−'));

/** Seconds as `0:48` or `1:02:03`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor((whole % 3600) / 60), whole % 60];
  const padded = String(s).padStart(2, '0');
  return h > 0 ? `${h}:${String(m).padStart(2, '0')}:${padded}` : `${m}:${padded}`;
}

const BLOCKS = ' ▁▂▃▄▅▆▇█';

/** A histogram as one character a bin. */
export function sparkline(counts: readonly number[]): string {
  const most = Math.max(...counts, 1);
  return counts.map((n) => BLOCKS[n === 0 ? 0 : Math.max(1, Math.round((n / most) * (BLOCKS.length - 1)))]).join('');
}

/** A borderless table; columns whose head starts with `>` are right-aligned. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const border = {
    top: '',
    'top-mid': '',
    'top-left': '',
    'top-right': '',
    bottom: '',
    'bottom-mid': '',
    'bottom-left': '',
    'bottom-right': '',
  };
  const inner = { left: '  ', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '  ' };
  const drawn = new Table({
    head: head.map((name) => pc.dim(name.replace(/^>/, ''))),
    colAligns: head.map((name) => (name.startsWith('>') ? 'right' : 'left')),
    chars: { ...border, ...inner },
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  drawn.push(...rows.map((row) => [...row]));
  return drawn
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
