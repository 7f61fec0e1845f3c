import { axisOf } from './axis.ts';
import { document, dotAt, lineBetween, lineThrough, textAt } from './svg.ts';

export interface CurveChart {
  readonly title: string;
  /** With their units. */
  readonly axes: { readonly x: string; readonly y: string };
  /** In any order; with the ends of each value's interval where there are any. */
  readonly points: readonly { readonly x: number; readonly y: number; readonly low?: number; readonly high?: number }[];
  /** A place on the x axis to be pointed out. */
  readonly marked?: { readonly x: number; readonly label: string };
}

const [WIDTH, HEIGHT] = [640, 360];
const [LEFT, RIGHT, TOP, BOTTOM] = [56, 24, 56, 48];

/** A measured curve with the interval of every point. SVG. */
export function curveChart({ title, axes, points, marked }: CurveChart): string {
  const sorted = points.toSorted((a, b) => a.x - b.x);
  const across = axisOf(
    axes.x,
    sorted.map(({ x }) => x),
  );
  const up = axisOf(
    axes.y,
    sorted.flatMap(({ y, low = y, high = y }) => [low, high]),
  );
  const x = (value: number): number => LEFT + ((value - across.from) / (across.to - across.from)) * (WIDTH - LEFT - RIGHT);
  const y = (value: number): number => HEIGHT - BOTTOM - ((value - up.from) / (up.to - up.from)) * (HEIGHT - TOP - BOTTOM);
  const bottom = y(up.from);
  const body = [
    ...up.ticks.flatMap((tick) => [
      lineBetween('grid', [LEFT, y(tick)], [WIDTH - RIGHT, y(tick)]),
      textAt([LEFT - 8, y(tick) + 4], String(tick), { anchor: 'end' }),
    ]),
    ...across.ticks.map((tick) => textAt([x(tick), bottom + 16], String(tick), { anchor: 'middle' })),
    lineBetween('axis', [LEFT, bottom], [WIDTH - RIGHT, bottom]),
    textAt([(LEFT + WIDTH - RIGHT) / 2, HEIGHT - 8], axes.x, { anchor: 'middle' }),
    textAt([10, 38], axes.y),
  ];
  if (marked) {
    body.push(lineBetween('axis', [x(marked.x), TOP], [x(marked.x), bottom]), textAt([x(marked.x) + 6, TOP + 10], marked.label));
  }
  for (const { x: place, low, high } of sorted) {
    if (low !== undefined && high !== undefined) body.push(lineBetween('bar', [x(place), y(low)], [x(place), y(high)]));
  }
  body.push(
    lineThrough(
      'line',
      sorted.map((point) => [x(point.x), y(point.y)]),
    ),
    ...sorted.map((point) => dotAt('dot', [x(point.x), y(point.y)], `${point.x}: ${point.y}`)),
  );
  return document({ width: WIDTH, height: HEIGHT, title }, body);
}
