import { formatRfc3339 } from '@protego/contracts';
import { compareText } from '../text-order';
import type { FindingCore } from './finding';
import type { WhoAndWhere } from './places';

/** How many findings a ward had to deal with, day by day; quiet ones are none. */
export interface AlertLoad {
  /** Days in UTC, `2026-03-02`, of the first finding to the last; those without findings too. */
  readonly days: readonly string[];
  /** In the order of their names; findings of no known ward come last, under null. */
  readonly wards: readonly WardLoad[];
  /** Findings on days after the last of {@link DAYS_MAX}. */
  readonly leftOut: number;
}

/** Load of one ward: one number a day. */
export interface WardLoad {
  readonly ward: string | null;
  readonly baseline: readonly number[];
  readonly candidate: readonly number[];
}

/** Most days that a load tells one by one. */
export const DAYS_MAX = 1_100;
const DAY_MS = 86_400_000;

type Side = 'baseline' | 'candidate';

/** Sums the findings of both runs per ward and day. */
export class AlertLoadTally {
  /** Ward → side → day from the epoch → findings. */
  readonly #wards = new Map<string | null, Readonly<Record<Side, Map<number, number>>>>();
  #firstDay = Number.POSITIVE_INFINITY;
  #lastDay = Number.NEGATIVE_INFINITY;

  constructor(private readonly places: WhoAndWhere) {}

  take(finding: FindingCore, sides: readonly Side[]): void {
    if (finding.isQuiet) return;
    const { ward } = this.places.affectedBy(finding);
    const day = Math.floor(finding.timeMs / DAY_MS);
    [this.#firstDay, this.#lastDay] = [Math.min(this.#firstDay, day), Math.max(this.#lastDay, day)];
    let load = this.#wards.get(ward);
    if (load === undefined) this.#wards.set(ward, (load = { baseline: new Map(), candidate: new Map() }));
    for (const side of sides) load[side].set(day, (load[side].get(day) ?? 0) + 1);
  }

  load(): AlertLoad {
    if (this.#wards.size === 0) return { days: [], wards: [], leftOut: 0 };
    const count = Math.min(this.#lastDay - this.#firstDay + 1, DAYS_MAX);
    const days = Array.from({ length: count }, (_, at) => this.#firstDay + at);
    const byDay = (side: Map<number, number>): number[] => days.map((day) => side.get(day) ?? 0);
    const afterLast = (side: Map<number, number>): number =>
      [...side].reduce((sum, [day, findings]) => sum + (day >= this.#firstDay + count ? findings : 0), 0);
    const loads = [...this.#wards].sort(([a], [b]) => compareWards(a, b));
    return {
      days: days.map((day) => formatRfc3339(day * DAY_MS).slice(0, 10)),
      wards: loads.map(([ward, { baseline, candidate }]) => ({
        ward,
        baseline: byDay(baseline),
        candidate: byDay(candidate),
      })),
      leftOut: loads.reduce((sum, [, { baseline, candidate }]) => sum + afterLast(baseline) + afterLast(candidate), 0),
    };
  }
}

function compareWards(a: string | null, b: string | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;
  return compareText(a, b);
}
