/** A linear axis: what it says and which values are marked. */
export interface Axis {
  /** With the unit. */
  readonly label: string;
  readonly from: number;
  readonly to: number;
  readonly ticks: readonly number[];
}

const TICKS = 5;

/**
 * An axis that holds all values, between round numbers: steps of 1, 2 or 5 times a power of ten.
 *
 * @param values finite; an axis of none or of one value is given some room
 */
export function axisOf(label: string, values: readonly number[]): Axis {
  const low = values.length === 0 ? 0 : Math.min(...values);
  const high = values.length === 0 ? 1 : Math.max(...values);
  const span = high - low || Math.abs(high) || 1;
  const step = roundStep(span / TICKS);
  const [first, last] = [Math.floor(low / step), Math.ceil(high / step)];
  const ends = first === last ? [first - 1, last + 1] : [first, last];
  const ticks = Array.from({ length: ends[1] - ends[0] + 1 }, (_, at) => clean((ends[0] + at) * step));
  return { label, from: ticks[0], to: ticks[ticks.length - 1], ticks };
}

function roundStep(raw: number): number {
  const power = 10 ** Math.floor(Math.log10(raw));
  return [1, 2, 5, 10].map((factor) => factor * power).find((step) => step >= raw * (1 - 1e-9)) ?? 10 * power;
}

/** 0.30000000000000004 is 0.3. */
const clean = (value: number): number => Number(value.toPrecision(12));
