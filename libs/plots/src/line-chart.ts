import { legend, type LegendEntry } from './legend';
import { linearScale, numberText, type Scale } from './scale';
import { INK, diamond, element, label, line, picture } from './svg';

/** A curve; its values lie at the steps of the axis, the first at `xFirst`. */
export interface Curve {
  readonly name: string;
  readonly values: readonly number[];
}

/** Curves over an axis of steps: the hours of a day, the days of a stay. */
export interface LineChart {
  readonly title: string;
  readonly xAxis: string;
  readonly yAxis: string;
  readonly curves: readonly Curve[];
  /** Value of the x axis at the first step; steps are one apart. */
  readonly xFirst: number;
  /** Steps between labels of the x axis. */
  readonly xLabelEvery: number;
  readonly published?: readonly { readonly x: number; readonly y: number }[];
  readonly publishedAs?: string;
}

const WIDTH = 760;
const LEFT = 74;
const RIGHT = 24;
const TOP = 44;
const BOTTOM = 300;

/** The picture of a line chart. */
export function lineChart(chart: LineChart): string {
  const steps = Math.max(...chart.curves.map(({ values }) => values.length)) - 1;
  const xAt = (x: number): number => LEFT + ((x - chart.xFirst) / Math.max(1, steps)) * (WIDTH - LEFT - RIGHT);
  const published = chart.published ?? [];
  const most = Math.max(...chart.curves.flatMap(({ values }) => values), ...published.map(({ y }) => y));
  const scale = linearScale(most, { from: BOTTOM, to: TOP });
  const keys = legend(legendOf(chart), LEFT, BOTTOM + 62, WIDTH - LEFT - 16);
  return picture(WIDTH, BOTTOM + 62 + keys.height, chart.title, [
    ...gridOf(scale),
    ...xLabels(chart, steps, xAt),
    ...chart.curves.map(({ values }, series) => curveOf(values, series, chart.xFirst, xAt, scale)),
    ...published.map(({ x, y }) => diamond(xAt(x), scale.at(y))),
    label((LEFT + WIDTH - RIGHT) / 2, BOTTOM + 40, chart.xAxis, { 'text-anchor': 'middle' }),
    label(0, 0, chart.yAxis, {
      'text-anchor': 'middle',
      transform: `translate(18 ${(TOP + BOTTOM) / 2}) rotate(-90)`,
    }),
    ...keys.parts,
  ]);
}

function gridOf({ at, ticks }: Scale): string[] {
  return ticks.flatMap((tick, index) => [
    line(LEFT, at(tick), WIDTH - RIGHT, at(tick), index === 0 ? INK.axis : INK.grid),
    label(LEFT - 6, at(tick) + 4, numberText(tick), { 'text-anchor': 'end', 'font-size': 11 }),
  ]);
}

function xLabels({ xFirst, xLabelEvery }: LineChart, steps: number, xAt: (x: number) => number): string[] {
  const parts: string[] = [];
  for (let step = 0; step <= steps; step += xLabelEvery) {
    const x = xFirst + step;
    parts.push(line(xAt(x), BOTTOM, xAt(x), BOTTOM + 4, INK.axis));
    parts.push(label(xAt(x), BOTTOM + 18, String(x), { 'text-anchor': 'middle', 'font-size': 11 }));
  }
  return parts;
}

function curveOf(
  values: readonly number[],
  series: number,
  xFirst: number,
  xAt: (x: number) => number,
  { at }: Scale,
): string {
  const places = values.map((value, step) =>
    [xAt(xFirst + step), at(value)].map((place) => place.toFixed(1)).join(','),
  );
  const stroke = INK.series[series % INK.series.length] as string;
  return element('polyline', { points: places.join(' '), fill: 'none', stroke, 'stroke-width': 2.5 });
}

function legendOf({ curves, publishedAs }: LineChart): LegendEntry[] {
  return [
    ...curves.map(({ name }, series): LegendEntry => ({ kind: 'line', series, text: name })),
    ...(publishedAs === undefined ? [] : [{ kind: 'published', text: publishedAs } as const]),
  ];
}
