/** Says in every generated page where it comes from. */
export const GENERATED = '<!-- Made by `npm run reference`; change the source, not this page. -->';

/** A Markdown table; cells may hold any text. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return [head, head.map(() => '---'), ...rows].map((row) => `| ${row.map(cell).join(' | ')} |\n`).join('');
}

function cell(text: string): string {
  // What stands in code font is shown as it is, except for the bar, which would end the cell.
  const parts = text.split(/(`[^`]*`)/).map((part, index) => (index % 2 === 1 ? part : part.replace(/[<*]/g, '\\$&')));
  return parts.join('').replaceAll('|', '\\|').replaceAll('\n', ' ');
}

/** Text in code font. */
export function code(text: string): string {
  return `\`${text}\``;
}
