/** A table in Markdown; a column whose head starts with `>` is right-aligned. */
export function markdownTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell).join(' | ')} |`;
  const names = head.map((name) => name.replace(/^>/, ''));
  return [line(names), line(head.map((name) => (name.startsWith('>') ? '---:' : '---'))), ...rows.map(line)].join('\n');
}

/** A name in code, in which backticks and line ends would end the code. */
export const code = (text: string): string => `\`${text.replaceAll(/[`\r\n]/g, ' ')}\``;

const cell = (text: string): string => text.replaceAll('|', String.raw`\|`).replaceAll(/[\r\n]+/g, ' ');
