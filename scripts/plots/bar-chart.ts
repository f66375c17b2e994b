import { legend, type LegendEntry } from './legend';
import { linearScale, logScale, numberText, type Scale } from './scale';
import { INK, diamond, element, label, line, picture } from './svg';

/** One bar, or one line of bars, with its name at the left. */
export interface BarRow {
  readonly name: string;
  /** One value a series; undefined where there is none. */
  readonly values: readonly (number | undefined)[];
  /** From the 10th to the 90th percentile, drawn over the bar of the first series. */
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
  /** What the marks are; needed where a row has any. */
  readonly publishedAs?: string;
  /** What the thin lines are; needed where a row has a range. */
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
  const keys = legend(legendOf(chart), LEFT, bottom + 58, WIDTH - LEFT - 16);
  const bars = chart.rows.flatMap((row, index) => rowOf(row, TOP + index * rowHeight, rowHeight, scale));
  return picture(WIDTH, bottom + 58 + keys.height, chart.title, [
    ...gridOf(scale, bottom),
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

function gridOf({ at, ticks }: Scale, bottom: number): string[] {
  return ticks.flatMap((tick) => [
    line(at(tick), TOP, at(tick), bottom, INK.grid),
    label(at(tick), bottom + 18, numberText(tick), { 'text-anchor': 'middle', 'font-size': 11 }),
  ]);
}

function rowOf(row: BarRow, top: number, height: number, { at }: Scale): string[] {
  const middle = top + height / 2;
  const parts = [label(LEFT - 8, middle + 4, row.name, { 'text-anchor': 'end' })];
  let right = LEFT;
  row.values.forEach((value, series) => {
    const y = top + 5 + series * BAR;
    if (value === undefined) return;
    const end = at(value);
    const fill = INK.series[series % INK.series.length] as string;
    parts.push(element('rect', { x: LEFT, y, width: Math.max(end - LEFT, 1), height: BAR - 2, fill, rx: 1 }));
    right = Math.max(right, end);
    if (row.values.length > 1) parts.push(valueLabel(end, y + BAR - 4, value));
  });
  if (row.range !== undefined) {
    parts.push(...whisker(at(row.range[0]), at(row.range[1]), middle));
    right = Math.max(right, at(row.range[1]));
  }
  const marks = (row.published ?? []).map((value) => at(value));
  parts.push(...marks.map((x) => diamond(x, middle)));
  const [value] = row.values;
  if (row.values.length === 1 && value !== undefined)
    parts.push(valueLabel(Math.max(right, ...marks.filter((x) => x < right + 60)) + 4, middle + 4, value));
  return parts;
}

function valueLabel(x: number, y: number, value: number): string {
  return label(x + 4, y, numberText(value), { 'font-size': 11 });
}

function whisker(from: number, to: number, y: number): string[] {
  return [
    line(from, y, to, y, INK.text, 1.5),
    line(from, y - 4, from, y + 4, INK.text, 1.5),
    line(to, y - 4, to, y + 4, INK.text, 1.5),
  ];
}

function legendOf({ series, publishedAs, rangeAs }: BarChart): LegendEntry[] {
  return [
    ...series.map((text, index): LegendEntry => ({ kind: 'bar', series: index, text })),
    ...(rangeAs === undefined ? [] : [{ kind: 'range', text: rangeAs } as const]),
    ...(publishedAs === undefined ? [] : [{ kind: 'published', text: publishedAs } as const]),
  ];
}
