import { label } from './svg';

/** Characters of twelve pixels that the margin at the left has room for. */
const LINE_CHARACTERS_MAX = 27;
const LINE_HEIGHT = 13;

/** The name of a row at the left of a picture, in two lines where it is long, cut where it is longer still. */
export function rowName(right: number, middle: number, name: string): string[] {
  const lines = linesOf(name);
  const first = middle + 4 - ((lines.length - 1) * LINE_HEIGHT) / 2;
  return lines.map((text, at) => label(right, first + at * LINE_HEIGHT, text, { 'text-anchor': 'end' }));
}

function linesOf(name: string): string[] {
  if (name.length <= LINE_CHARACTERS_MAX) return [name];
  const space = name.lastIndexOf(' ', LINE_CHARACTERS_MAX);
  if (space <= 0) return [cut(name)];
  return [name.slice(0, space), cut(name.slice(space + 1))];
}

function cut(text: string): string {
  return text.length <= LINE_CHARACTERS_MAX ? text : `${text.slice(0, LINE_CHARACTERS_MAX - 1).toWellFormed()}…`;
}
