import { rowName } from './row-name';
import { INK, element, escaped, label, picture, type Attribute } from './svg';

/** A line of cells of a grid. */
export interface GridRow {
  readonly name: string;
  /** One value a column. */
  readonly values: readonly number[];
  /** Text of each cell; the value where missing. */
  readonly texts?: readonly string[];
  /** Cells with a frame, such as those that differ. */
  readonly marked?: readonly boolean[];
}

/** Values by row and column, the greater the darker. */
export interface GridChart {
  readonly title: string;
  readonly columns: readonly string[];
  /** What the columns are. */
  readonly axis: string;
  readonly rows: readonly GridRow[];
  /** Says what a frame means; needed where a cell is marked. */
  readonly markedAs?: string;
}

const LEFT = 190;
const TOP = 44;
const ROW_HEIGHT = 24;
const CELL_WIDTH_MIN = 20;
const CELL_WIDTH_MAX = 76;
const WIDTH = 760;
const RIGHT = 24;
/** Narrower cells have no room for a text. */
const TEXT_WIDTH_MIN = 34;

/** The picture of a grid. Wider than other pictures where it has many columns. */
export function gridChart(chart: GridChart): string {
  const { columns, rows, axis, title, markedAs } = chart;
  const room = (WIDTH - LEFT - RIGHT) / Math.max(1, columns.length);
  const cellWidth = Math.min(CELL_WIDTH_MAX, Math.max(CELL_WIDTH_MIN, Math.floor(room)));
  const width = Math.max(WIDTH, LEFT + cellWidth * columns.length + RIGHT);
  const bottom = TOP + ROW_HEIGHT * rows.length;
  const most = Math.max(1, ...rows.flatMap(({ values }) => values));
  const right = LEFT + cellWidth * columns.length;
  return picture(width, bottom + (markedAs === undefined ? 52 : 76), title, [
    ...rows.flatMap((row, at) => rowOf(row, TOP + at * ROW_HEIGHT, cellWidth, most, columns)),
    ...columnLabels(columns, bottom, cellWidth),
    label((LEFT + right) / 2, bottom + 40, axis, { 'text-anchor': 'middle' }),
    ...(markedAs === undefined ? [] : legendOf(markedAs, bottom + 62)),
  ]);
}

function rowOf(row: GridRow, top: number, cellWidth: number, most: number, columns: readonly string[]): string[] {
  const parts = rowName(LEFT - 8, top + ROW_HEIGHT / 2, row.name);
  row.values.forEach((value, at) => {
    const x = LEFT + at * cellWidth;
    const text = row.texts?.[at] ?? String(value);
    const cell = { x: x + 1, y: top + 1, width: cellWidth - 2, height: ROW_HEIGHT - 2, rx: 2 };
    const frame: Record<string, Attribute> =
      row.marked?.[at] === true ? { stroke: INK.published, 'stroke-width': 2 } : {};
    const fill = { fill: INK.series[0], 'fill-opacity': value === 0 ? 0.04 : 0.08 + 0.32 * (value / most) };
    const spoken = element('title', {}, escaped(`${row.name}, ${columns[at] ?? ''}: ${text}`));
    parts.push(element('rect', { ...cell, ...fill, ...frame }, spoken));
    if (cellWidth >= TEXT_WIDTH_MIN && text !== '0')
      parts.push(label(x + cellWidth / 2, top + 16, text, { 'text-anchor': 'middle', 'font-size': 11 }));
  });
  return parts;
}

/** As many names of columns as there is room for. */
function columnLabels(columns: readonly string[], bottom: number, cellWidth: number): string[] {
  const longest = Math.max(1, ...columns.map((name) => name.length)) * 6.6 + 8;
  const every = Math.max(1, Math.ceil(longest / cellWidth));
  return columns.flatMap((name, at) =>
    at % every === 0
      ? label(LEFT + (at + 0.5) * cellWidth, bottom + 18, name, { 'text-anchor': 'middle', 'font-size': 11 })
      : [],
  );
}

function legendOf(text: string, y: number): string[] {
  const sign = {
    x: LEFT,
    y: y - 7,
    width: 20,
    height: 13,
    fill: 'none',
    stroke: INK.published,
    'stroke-width': 2,
    rx: 2,
  };
  return [element('rect', sign), label(LEFT + 26, y + 4, text)];
}
