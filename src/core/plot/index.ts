export { curveChart, type CurveChart } from './curve.ts';
export { rowChart, type ChartRow, type RowChart } from './rows.ts';
