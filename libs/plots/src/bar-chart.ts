import { legend, type LegendEntry } from './legend';
import { linearScale, logScale, numberText, type Scale } from './scale';
import { rowName } from './row-name';
import { INK, diamond, element, label, line, picture } from './svg';

/** One bar, or one line of bars, with its name at the left. */
export interface BarRow {
  readonly name: string;
  /** One value a series; undefined where there is none. */
  readonly values: readonly (number | undefined)[];
  /** From the 10th to the 90th percentile, drawn behind the bar of the first series. */
  readonly range?: readonly [number, number];
  readonly published?: readonly number[];
}

/** Horizontal bars. */
export interface BarChart {
  readonly title: string;
  /** What the axis counts, with its unit. */
  readonly axis: string;
  /** Names of the series, for the legend; one name where the bars need none. */
  readonly series: readonly string[];
  readonly rows: readonly BarRow[];
  readonly isLogarithmic?: boolean;
  /** How values are written; as numbers where missing. */
  readonly valueText?: (value: number) => string;
  /** What the marks are; needed where a row has any. */
  readonly publishedAs?: string;
  /** What the pale bars are; needed where a row has a range. */
  readonly rangeAs?: string;
}

const WIDTH = 760;
const LEFT = 190;
const RIGHT = 70;
const TOP = 44;
const BAR = 14;

/** The picture of a bar chart. */
export function barChart(chart: BarChart): string {
  const rowHeight = BAR * chart.series.length + 10;
  const bottom = TOP + rowHeight * chart.rows.length;
  const scale = scaleOf(chart);
  const textOf = chart.valueText ?? numberText;
  const keys = legend(legendOf(chart), LEFT, bottom + 58, WIDTH - LEFT - 16);
  const bars = chart.rows.flatMap((row, index) => rowOf(row, TOP + index * rowHeight, rowHeight, scale, textOf));
  return picture(WIDTH, bottom + 58 + keys.height, chart.title, [
    ...gridOf(scale, bottom, textOf),
    ...bars,
    line(LEFT, TOP, LEFT, bottom, INK.axis),
    label((LEFT + WIDTH - RIGHT) / 2, bottom + 38, chart.axis, { 'text-anchor': 'middle' }),
    ...keys.parts,
  ]);
}

function scaleOf({ rows, isLogarithmic = false }: BarChart): Scale {
  const values = rows
    .flatMap(({ values, published = [], range = [] }) => [...values, ...published, ...range])
    .filter((value) => value !== undefined);
  const span = { from: LEFT, to: WIDTH - RIGHT };
  const most = Math.max(...values, 0);
  if (!isLogarithmic) return linearScale(most, span);
  const positive = values.filter((value) => value > 0);
  return positive.length === 0 ? linearScale(1, span) : logScale(Math.min(...positive) / 1.5, most, span);
}

type TextOf = (value: number) => string;

function gridOf({ at, ticks }: Scale, bottom: number, textOf: TextOf): string[] {
  return ticks.flatMap((tick) => [
    line(at(tick), TOP, at(tick), bottom, INK.grid),
    label(at(tick), bottom + 18, textOf(tick), { 'text-anchor': 'middle', 'font-size': 11 }),
  ]);
}

function rowOf(row: BarRow, top: number, height: number, { at }: Scale, textOf: TextOf): string[] {
  const middle = top + height / 2;
  const parts = rowName(LEFT - 8, middle, row.name);
  if (row.range !== undefined) parts.push(rangeBar(at(row.range[0]), at(row.range[1]), top + 5));
  row.values.forEach((value, series) => {
    if (value === undefined) return;
    const y = top + 5 + series * BAR;
    parts.push(bar(at(value), y, series, row.range !== undefined));
    if (row.values.length > 1) parts.push(valueLabel(at(value), y + BAR - 4, textOf(value)));
  });
  const marks = (row.published ?? []).map(at);
  parts.push(...marks.map((x) => diamond(x, middle)));
  const [value] = row.values;
  if (row.values.length === 1 && value !== undefined) {
    const end = Math.max(at(value), row.range === undefined ? LEFT : at(row.range[1]));
    // Beyond the marks that it would lie on.
    const right = marks.reduce((x, mark) => (mark > x - 8 && mark < x + 60 ? Math.max(x, mark + 6) : x), end);
    parts.push(valueLabel(right, middle + 4, textOf(value)));
  }
  return parts;
}

/** A bar; a slim one where it lies on the bar of a range. */
function bar(end: number, top: number, series: number, isSlim: boolean): string {
  const fill = INK.series[series % INK.series.length] as string;
  const [y, height] = isSlim ? [top + 3, BAR - 8] : [top, BAR - 2];
  return element('rect', { x: LEFT, y, width: Math.max(end - LEFT, 1), height, fill, rx: 1 });
}

function rangeBar(from: number, to: number, y: number): string {
  return element('rect', { x: from, y, width: Math.max(to - from, 1), height: BAR - 2, fill: INK.range, rx: 1 });
}

function valueLabel(x: number, y: number, text: string): string {
  return label(x + 4, y, text, { 'font-size': 11 });
}

function legendOf({ series, publishedAs, rangeAs }: BarChart): LegendEntry[] {
  return [
    ...series.map((text, index): LegendEntry => ({ kind: 'bar', series: index, text })),
    ...(rangeAs === undefined ? [] : [{ kind: 'range', text: rangeAs } as const]),
    ...(publishedAs === undefined ? [] : [{ kind: 'published', text: publishedAs } as const]),
  ];
}
