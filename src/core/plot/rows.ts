import { axisOf } from './axis.ts';
import { document, dotAt, lineBetween, textAt, type MarkClass } from './svg.ts';

type Mark = Extract<MarkClass, 'dot' | 'open' | 'faint'>;

export interface ChartRow {
  readonly label: string;
  /** A bar between two values: an interval, or from before to after. */
  readonly bar?: readonly [number, number];
  readonly dots: readonly { readonly value: number; readonly mark: Mark }[];
}

export interface RowChart {
  readonly title: string;
  /** Of the values, with their unit. */
  readonly axis: string;
  /** What the marks stand for. */
  readonly legend: Partial<Readonly<Record<Mark, string>>>;
  readonly rows: readonly ChartRow[];
}

const WIDTH = 640;
const TOP = 48;
const BOTTOM = 44;
const RIGHT = 24;
const ROW_HEIGHT = 22;
/** About the width of a character of the labels; a renderer without the font comes near it. */
const CHARACTER = 6.6;
const LABEL_CHARACTERS_MAX = 36;

/** A row for each thing compared: dots along one common axis, and a bar that joins them or shows the interval. SVG. */
export function rowChart({ title, axis: label, legend, rows }: RowChart): string {
  const axis = axisOf(
    label,
    rows.flatMap(({ bar = [], dots }) => [...bar, ...dots.map(({ value }) => value)]),
  );
  const labels = rows.map((row) => shortened(row.label));
  const left = 20 + CHARACTER * Math.max(4, ...labels.map((text) => text.length));
  const height = TOP + rows.length * ROW_HEIGHT + BOTTOM;
  const x = (value: number): number => left + ((value - axis.from) / (axis.to - axis.from)) * (WIDTH - left - RIGHT);
  const bottom = height - BOTTOM;
  const body = axis.ticks.flatMap((tick) => [
    lineBetween('grid', [x(tick), TOP - 8], [x(tick), bottom]),
    textAt([x(tick), bottom + 16], String(tick), { anchor: 'middle' }),
  ]);
  body.push(lineBetween('axis', [left, bottom], [WIDTH - RIGHT, bottom]));
  body.push(textAt([(left + WIDTH - RIGHT) / 2, height - 8], label, { anchor: 'middle' }));
  for (const [row, { bar, dots, label: name }] of rows.entries()) {
    const y = TOP + (row + 0.5) * ROW_HEIGHT;
    body.push(textAt([left - 10, y + 4], labels[row], { anchor: 'end' }));
    if (bar) body.push(lineBetween('bar', [x(bar[0]), y], [x(bar[1]), y]));
    for (const { value, mark } of dots) body.push(dotAt(mark, [x(value), y], `${name}: ${value}`));
  }
  let at = 10;
  for (const [mark, meaning] of Object.entries(legend)) {
    body.push(dotAt(mark as Mark, [at + 4, 32], meaning), textAt([at + 14, 36], meaning));
    at += 30 + CHARACTER * meaning.length;
  }
  return document({ width: WIDTH, height, title }, body);
}

/** The end of a layer's name tells more than its beginning. */
const shortened = (text: string): string => (text.length > LABEL_CHARACTERS_MAX ? `…${text.slice(1 - LABEL_CHARACTERS_MAX)}` : text);
