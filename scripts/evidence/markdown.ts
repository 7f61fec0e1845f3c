import type { Estimate } from '../../src/core/stats/index.ts';

/** A table whose first column is text and whose others are figures. */
export function table(header: readonly string[], rows: readonly (readonly string[])[]): string {
  const rule = header.map((_, column) => (column === 0 ? '---' : '---:'));
  return [header, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** `81.0 [80.2, 81.8]`, times `scale`. */
export function estimateText({ value, low, high }: Estimate, { scale = 1, digits = 1, signed = false } = {}): string {
  const text = (x: number): string => {
    const figure = (Math.abs(x * scale) < 0.5 / 10 ** digits ? 0 : x * scale).toFixed(digits).replace('-', '−');
    return signed && !figure.startsWith('−') && Number(figure) !== 0 ? `+${figure}` : figure;
  };
  return `${text(value)} [${text(low)}, ${text(high)}]`;
}
