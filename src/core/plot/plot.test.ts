import { describe, expect, it } from 'vitest';
import { axisOf } from './axis.ts';
import { curveChart } from './curve.ts';
import { rowChart } from './rows.ts';

describe('axisOf', () => {
  it.each([
    [
      [0.312, 0.55],
      [0.3, 0.35, 0.4, 0.45, 0.5, 0.55],
    ],
    [
      [0, 100],
      [0, 20, 40, 60, 80, 100],
    ],
    [
      [-3, 4],
      [-4, -2, 0, 2, 4],
    ],
    [[5], [4, 5, 6]],
    [[], [0, 0.2, 0.4, 0.6, 0.8, 1]],
  ])('marks %j at %j', (values, ticks) => {
    expect(axisOf('x', values).ticks).toEqual(ticks);
  });

  it('holds every value', () => {
    const axis = axisOf('x', [97.31, 97.34]);
    expect(axis.from).toBeLessThanOrEqual(97.31);
    expect(axis.to).toBeGreaterThanOrEqual(97.34);
  });
});

/** Numbers of an attribute, in the order of the drawing. */
const numbers = (svg: string, pattern: RegExp): number[] => Array.from(svg.matchAll(pattern), ([, value]) => Number(value));

describe('rowChart', () => {
  const chart = rowChart({
    title: 'Accuracy <of> "all"',
    axis: 'accuracy, %',
    legend: { dot: 'mean & interval', faint: 'one seed' },
    rows: [
      { label: 'dice', bar: [90, 94], dots: [{ value: 92, mark: 'dot' }] },
      { label: 'l1', dots: [{ value: 90, mark: 'dot' }] },
    ],
  });

  it('places values in proportion, a row below the other', () => {
    const [dice, l1] = Array.from(chart.matchAll(/<circle class="dot" cx="([\d.]+)" cy="([\d.]+)" r="4"><title>(?:dice|l1)/g), (m) => [
      Number(m[1]),
      Number(m[2]),
    ]);
    const [from, to] = numbers(chart, /class="bar" d="M([\d.]+)/g).concat(numbers(chart, /class="bar" d="M[\d. ]+L([\d.]+)/g));
    expect(dice[0]).toBeCloseTo((from + to) / 2, 0);
    expect(l1[0]).toBeCloseTo(from, 0);
    expect(l1[1]).toBeGreaterThan(dice[1]);
  });

  it('escapes what it is given and leaves no markup open', () => {
    expect(chart).toContain('aria-label="Accuracy &lt;of&gt; &quot;all&quot;"');
    expect(chart).toContain('mean &amp; interval');
    expect(chart).toContain('accuracy, %');
    const opened = Array.from(chart.matchAll(/<(svg|style|text|circle|title)\b/g)).length;
    expect(Array.from(chart.matchAll(/<\/(svg|style|text|circle|title)>/g))).toHaveLength(opened);
  });
});

describe('curveChart', () => {
  it('joins the points in the order of x, with their intervals and the marked place', () => {
    const chart = curveChart({
      title: 'curve',
      axes: { x: 'ratio', y: 'accuracy, %' },
      points: [
        { x: 1, y: 0, low: 0, high: 20 },
        { x: 0, y: 100 },
        { x: 0.5, y: 50, low: 40, high: 60 },
      ],
      marked: { x: 0.5, label: 'elbow' },
    });
    expect(chart).toContain('points="56,56 336,184 616,312"');
    expect(chart).toContain('<path class="bar" d="M336 209.6L336 158.4"/>');
    expect(chart).toContain('<path class="axis" d="M336 56L336 312"/>');
    expect(chart).toContain('>elbow</text>');
  });
});
