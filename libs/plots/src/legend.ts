import { INK, diamond, element, label, line } from './svg';

/** What a sign in a picture stands for. */
export type LegendEntry =
  | { readonly kind: 'bar' | 'line'; readonly series: number; readonly text: string }
  | { readonly kind: 'published' | 'range'; readonly text: string };

const LINE_HEIGHT = 20;
/** Widest that twelve-pixel letters get on average; a legend must not run out of its picture. */
const LETTER_WIDTH = 6.6;

/** The legend below a picture, entry after entry, with a new line where one is full. */
export function legend(
  entries: readonly LegendEntry[],
  left: number,
  top: number,
  width: number,
): { readonly parts: readonly string[]; readonly height: number } {
  const parts: string[] = [];
  let [x, y] = [left, top];
  for (const entry of entries) {
    const needed = 26 + entry.text.length * LETTER_WIDTH + 18;
    if (x > left && x + needed > left + width) [x, y] = [left, y + LINE_HEIGHT];
    parts.push(sign(entry, x, y), label(x + 26, y + 4, entry.text));
    x += needed;
  }
  return { parts, height: y - top + LINE_HEIGHT };
}

function sign(entry: LegendEntry, x: number, y: number): string {
  switch (entry.kind) {
    case 'published':
      return diamond(x + 10, y);
    case 'range':
      return element('rect', { x, y: y - 6, width: 20, height: 12, fill: INK.range, rx: 1 });
    case 'line':
      return line(x, y, x + 20, y, INK.series[entry.series % INK.series.length] as string, 2.5);
    case 'bar':
      return element('rect', {
        x,
        y: y - 6,
        width: 20,
        height: 12,
        fill: INK.series[entry.series % INK.series.length] as string,
        rx: 1,
      });
  }
}
