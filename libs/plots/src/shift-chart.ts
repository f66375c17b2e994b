import { rowName } from './row-name';
import { INK, element, escaped, label, line, picture } from './svg';

/** The shifts of one kind of thing, with its name at the left. */
export interface ShiftRow {
  readonly name: string;
  /** How much later each is, in milliseconds; negative: earlier. */
  readonly shiftsMs: readonly number[];
}

/** How much earlier or later things are, on an axis that is linear about nothing and logarithmic beyond. */
export interface ShiftChart {
  readonly title: string;
  readonly axis: string;
  readonly rows: readonly ShiftRow[];
}

const WIDTH = 760;
const LEFT = 190;
const RIGHT = 40;
const TOP = 44;
const ROW_HEIGHT = 32;
const STEPS: readonly (readonly [ms: number, text: string])[] = [
  [1_000, '1 s'],
  [60_000, '1 min'],
  [600_000, '10 min'],
  [3_600_000, '1 h'],
  [21_600_000, '6 h'],
  [86_400_000, '1 d'],
  [604_800_000, '7 d'],
  [2_592_000_000, '30 d'],
  [31_536_000_000, '1 y'],
];

/** The picture of shifts: one dot each, green where it is earlier, orange where it is later. */
export function shiftChart({ title, axis, rows }: ShiftChart): string {
  const most = Math.max(1_000, ...rows.flatMap(({ shiftsMs }) => shiftsMs.map(Math.abs)));
  const last = STEPS.findIndex(([ms]) => ms >= most);
  const steps = STEPS.slice(0, (last < 0 ? STEPS.length - 1 : last) + 1);
  const middle = (LEFT + WIDTH - RIGHT) / 2;
  const half = (WIDTH - RIGHT - LEFT) / 2;
  const reach = logOf(steps.at(-1)?.[0] ?? 1_000);
  const at = (ms: number): number => middle + (Math.sign(ms) * Math.min(logOf(Math.abs(ms)), reach) * half) / reach;
  const bottom = TOP + ROW_HEIGHT * rows.length;
  return picture(WIDTH, bottom + 58, title, [
    ...gridOf(steps, at, bottom),
    ...rows.flatMap((row, index) => rowOf(row, TOP + (index + 0.5) * ROW_HEIGHT, at)),
    label(middle, bottom + 42, axis, { 'text-anchor': 'middle' }),
  ]);
}

const logOf = (ms: number): number => Math.log10(1 + ms / 1_000);

function gridOf(steps: typeof STEPS, at: (ms: number) => number, bottom: number): string[] {
  const ticks = steps.flatMap(([ms, text]) => [
    { ms: -ms, text: `−${text}` },
    { ms, text: `+${text}` },
  ]);
  const grid = ticks.map(({ ms }) => line(at(ms), TOP, at(ms), bottom, INK.grid));
  // Names that would run into each other are left out, from the middle outwards.
  const named: string[] = [label(at(0), bottom + 18, '0', { 'text-anchor': 'middle', 'font-size': 11 })];
  let edge = at(0) + 12;
  for (const { ms, text } of ticks.filter((tick) => tick.ms > 0)) {
    const room = text.length * 3.6 + 4;
    if (at(ms) - room < edge) continue;
    edge = at(ms) + room;
    for (const side of [ms, -ms])
      named.push(
        label(at(side), bottom + 18, side < 0 ? text.replace('+', '−') : text, {
          'text-anchor': 'middle',
          'font-size': 11,
        }),
      );
  }
  return [...grid, line(at(0), TOP, at(0), bottom, INK.axis, 2), ...named];
}

function rowOf({ name, shiftsMs }: ShiftRow, y: number, at: (ms: number) => number): string[] {
  const dots = shiftsMs.map((ms) => {
    const fill = ms < 0 ? INK.series[2] : INK.series[1];
    const spoken = element('title', {}, escaped(`${name}: ${ms > 0 ? '+' : ''}${ms} ms`));
    return element('circle', { cx: at(ms), cy: y, r: 4, fill, 'fill-opacity': 0.7 }, spoken);
  });
  return [...rowName(LEFT - 8, y, name), ...dots];
}
