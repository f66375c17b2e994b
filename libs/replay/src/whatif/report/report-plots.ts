import { barChart, figure, gridChart, paragraph, shiftChart, type Html } from '@protego/plots';
import type { WhatIfDiff } from '../whatif-shape';
import { nameOrUnknown, numberOf, sumOfCounts } from './words';

const SIDES = ['baseline', 'candidate'];
/** Most rows of one picture; the tables have more. */
const ROWS_MAX = 40;
/** Most days of the picture by ward and day: the last ones. */
const DAYS_MAX = 92;
/** Most dots of one row. */
const DOTS_MAX = 500;

/** Alerts of each ward over the whole range, in both runs. */
export function wardLoadPlot({ load }: WhatIfDiff): Html {
  if (load.wards.length === 0) return paragraph('There was no alert in either run.');
  const rows = load.wards.map(({ ward, baseline, candidate }) => ({
    name: nameOrUnknown(ward),
    values: [sum(baseline), sum(candidate)],
  }));
  const shown = rows.toSorted((a, b) => Math.max(...b.values) - Math.max(...a.values)).slice(0, ROWS_MAX);
  return figure({
    id: 'plot-load-by-ward',
    svg: barChart({
      title: 'Alerts per ward',
      axis: 'alerts in the whole range',
      series: SIDES,
      rows: shown,
      valueText: numberOf,
    }),
    caption: `Alerts that a ward had to deal with, before and after.${leftOut(rows.length - shown.length, 'wards')}`,
  });
}

/** Alerts of each day over all wards, in both runs. */
export function dayLoadPlot({ load }: WhatIfDiff): Html {
  if (load.days.length === 0) return paragraph('There was no alert in either run.');
  const from = Math.max(0, load.days.length - ROWS_MAX);
  const rows = load.days.slice(from).map((name, at) => ({
    name,
    values: [
      sum(load.wards.map(({ baseline }) => baseline[from + at] ?? 0)),
      sum(load.wards.map(({ candidate }) => candidate[from + at] ?? 0)),
    ],
  }));
  return figure({
    id: 'plot-load-by-day',
    svg: barChart({
      title: 'Alerts per day',
      axis: 'alerts a day, all wards',
      series: SIDES,
      rows,
      valueText: numberOf,
    }),
    caption: `Days are those of UTC.${leftOut(from, 'earlier days')}`,
  });
}

/** Alerts of each ward on each day; cells in which the runs differ are framed. */
export function wardDayPlot({ load }: WhatIfDiff): Html {
  if (load.days.length === 0) return paragraph('There was no alert in either run.');
  const from = Math.max(0, load.days.length - DAYS_MAX);
  const rows = load.wards.slice(0, ROWS_MAX).map(({ ward, baseline, candidate }) => {
    const [before, after] = [baseline.slice(from), candidate.slice(from)];
    const differs = after.map((value, at) => value !== before[at]);
    const texts = after.map((value, at) => (differs[at] === true ? `${before[at] ?? 0}→${value}` : String(value)));
    return { name: nameOrUnknown(ward), values: after, texts, marked: differs };
  });
  const isMarked = rows.some(({ marked }) => marked.includes(true));
  const chart = {
    title: 'Alerts per ward and day',
    columns: load.days.slice(from).map((day) => day.slice(5)),
    axis: 'day',
    rows,
  };
  return figure({
    id: 'plot-load-by-ward-and-day',
    svg: gridChart({ ...chart, ...(isMarked ? { markedAs: 'differs: before→after' } : {}) }),
    caption: `The darker, the more alerts in the candidate.${leftOut(from, 'earlier days')}${leftOut(load.wards.length - rows.length, 'wards')}`,
  });
}

/** Findings of each rule whose findings differ. */
export function makerPlot({ makers }: WhatIfDiff): Html {
  const differing = makers.filter((maker) => sumOfCounts(maker) > 0 || maker.baseline !== maker.candidate);
  if (differing.length === 0) return paragraph('No rule finds anything else than before.');
  const shown = differing.toSorted((a, b) => sumOfCounts(b) - sumOfCounts(a)).slice(0, ROWS_MAX);
  const rows = shown.map(({ title, baseline, candidate }) => ({ name: title, values: [baseline, candidate] }));
  return figure({
    id: 'plot-findings-by-rule',
    svg: barChart({ title: 'Detections per rule', axis: 'detections', series: SIDES, rows, valueText: numberOf }),
    caption: `Only rules whose detections differ.${leftOut(differing.length - shown.length, 'rules')}`,
  });
}

/** How much earlier or later findings are. */
export function shiftPlot({ makers, differences }: WhatIfDiff): Html {
  const moved = makers.filter(({ earlier, later }) => earlier + later > 0).slice(0, ROWS_MAX);
  if (moved.length === 0) return paragraph('No detection is earlier or later than before.');
  const rows = moved.map(({ maker, title }) => {
    const own = differences.filter(({ makerId }) => makerId === maker);
    return {
      name: title,
      shiftsMs: own.flatMap(({ shiftMs }) => (shiftMs === null || shiftMs === 0 ? [] : shiftMs)).slice(0, DOTS_MAX),
    };
  });
  return figure({
    id: 'plot-shifts',
    svg: shiftChart({ title: 'Detections that moved in time', axis: 'earlier (−) or later (+) than before', rows }),
    caption: 'One dot is one detection; green is earlier, orange is later.',
  });
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const leftOut = (count: number, what: string): string =>
  count === 0 ? '' : ` ${numberOf(count)} ${what} are left out here.`;
