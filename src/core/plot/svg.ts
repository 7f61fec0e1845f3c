/** Marks of a chart; colours are set once, for light and dark pages. */
export type MarkClass = 'axis' | 'grid' | 'bar' | 'line' | 'dot' | 'open' | 'faint';

const STYLE = [
  'text{fill:#444;font:12px sans-serif}.title{font-weight:bold}.axis,.grid{stroke:#888;fill:none}.grid{stroke-opacity:.25}',
  '.bar{stroke:#2a7ab0;stroke-width:1.5;stroke-opacity:.6}.line{stroke:#2a7ab0;stroke-width:2;fill:none}',
  '.dot{fill:#2a7ab0}.open{fill:none;stroke:#c56a1a;stroke-width:1.5}.faint{fill:#2a7ab0;fill-opacity:.3}',
  '@media (prefers-color-scheme: dark){text{fill:#bbb}.dot,.faint{fill:#6db3e2}.bar,.line{stroke:#6db3e2}.open{stroke:#e8a25c}}',
].join('');

const ESCAPES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };

/** Text as it may stand in XML: markup escaped, control characters left out. */
export function escaped(text: string): string {
  return Array.from(text, (character) => (character < ' ' || character === '\u007F' ? ' ' : (ESCAPES[character] ?? character))).join('');
}

/** A whole SVG document, with its title for who cannot see it. */
export function document({ width, height, title }: { width: number; height: number; title: string }, body: readonly string[]): string {
  const name = escaped(title);
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}" role="img" aria-label="${name}">`,
    `<style>${STYLE}</style>`,
    textAt([10, 18], title, { className: 'title' }),
    ...body,
    '</svg>\n',
  ].join('\n');
}

type Point = readonly [x: number, y: number];
const at = (value: number): string => String(Math.round(value * 10) / 10);

export function textAt(
  [x, y]: Point,
  text: string,
  { anchor = 'start', className }: { anchor?: 'start' | 'middle' | 'end'; className?: string } = {},
): string {
  const kind = className === undefined ? '' : ` class="${className}"`;
  return `<text x="${at(x)}" y="${at(y)}" text-anchor="${anchor}"${kind}>${escaped(text)}</text>`;
}

export const lineBetween = (className: MarkClass, from: Point, to: Point): string =>
  `<path class="${className}" d="M${at(from[0])} ${at(from[1])}L${at(to[0])} ${at(to[1])}"/>`;

export const lineThrough = (className: MarkClass, points: readonly Point[]): string =>
  `<polyline class="${className}" points="${points.map(([x, y]) => `${at(x)},${at(y)}`).join(' ')}"/>`;

/** @param tip shown while the pointer rests on it */
export const dotAt = (className: MarkClass, [x, y]: Point, tip: string): string =>
  `<circle class="${className}" cx="${at(x)}" cy="${at(y)}" r="4"><title>${escaped(tip)}</title></circle>`;
