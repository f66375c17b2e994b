/** Maps values to places on an axis. */
export interface Scale {
  /** Place of a value in pixels; values outside lie on the border. */
  readonly at: (value: number) => number;
  /** Values at which the axis is labelled, ascending. */
  readonly ticks: readonly number[];
}

/** Where an axis runs: pixels of its lowest and of its highest value. */
export interface Span {
  readonly from: number;
  readonly to: number;
}

/** Between how many ticks an axis may have; of these the one that reaches least beyond the values is taken. */
const TICK_COUNTS = [4, 5, 6, 7];

/** An axis from nothing to at least `most`, with ticks at round values. */
export function linearScale(most: number, { from, to }: Span): Scale {
  const axes = TICK_COUNTS.map((tickCount) => {
    const step = roundStep((most > 0 ? most : 1) / tickCount);
    const count = Math.max(1, Math.ceil(most / step - 1e-9));
    return { step, count, top: step * count };
  });
  const { step, count, top } = axes.reduce((best, axis) => (axis.top < best.top * (1 - 1e-9) ? axis : best));
  return {
    at: (value) => from + (Math.min(Math.max(value, 0), top) / top) * (to - from),
    ticks: Array.from({ length: count + 1 }, (_, index) => Number((index * step).toPrecision(12))),
  };
}

/** An axis in powers of ten that holds both values, which must be above nothing. */
export function logScale(least: number, most: number, { from, to }: Span): Scale {
  const [first, last] = [Math.floor(Math.log10(least) + 1e-9), Math.ceil(Math.log10(most) - 1e-9)];
  const length = Math.max(1, last - first);
  return {
    at: (value) => {
      const part = (Math.log10(Math.max(value, 10 ** first)) - first) / length;
      return from + Math.min(part, 1) * (to - from);
    },
    ticks: Array.from({ length: length + 1 }, (_, index) => Number(`1e${first + index}`)),
  };
}

function roundStep(least: number): number {
  const power = Number(`1e${Math.floor(Math.log10(least))}`);
  const factor = [1, 2, 2.5, 5, 10].find((step) => step * power >= least * (1 - 1e-9)) ?? 10;
  return factor * power;
}

/** A number as a reader wants it: 1,200 or 0.03, and 3.4 million. */
export function numberText(value: number): string {
  if (value === 0) return '0';
  const size = Math.abs(value);
  if (size >= 1e12) return `${shortNumber(value / 1e12)} trillion`;
  if (size >= 1e9) return `${shortNumber(value / 1e9)} billion`;
  if (size >= 1e6) return `${shortNumber(value / 1e6)} million`;
  return shortNumber(value);
}

/** An amount of data, in units of a thousand each. */
export function bytesText(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let [rest, unit] = [value, 0];
  while (rest >= 1000 && unit < units.length - 1) [rest, unit] = [rest / 1000, unit + 1];
  return `${shortNumber(rest)} ${units[unit] as string}`;
}

function shortNumber(value: number): string {
  const size = Math.abs(value);
  if (size >= 100) return groupDigits(Math.round(value));
  return String(Number(value.toPrecision(size >= 1 ? 3 : 2)));
}

function groupDigits(value: number): string {
  return String(value).replace(/\B(?=(\d{3})+$)/g, ',');
}
