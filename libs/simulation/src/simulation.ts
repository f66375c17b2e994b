import { createHash } from 'node:crypto';
import { ProtegoError, canonicalJson, formatRfc3339, isNameToken, parseRfc3339Ms } from '@protego/contracts';
import type { ProtegoEvent } from '@protego/contracts';
import type { Activity } from './activity';
import { DeviceLife } from './device-life';
import { DirectoryLife } from './directory-life';
import type { EventDraft } from './draft';
import { EventStamper } from './event-stamper';
import { buildHospital } from './hospital';
import type { SimulationLabel } from './label';
import { planHour, type HourPlan } from './plan-hour';
import { SeededRandom } from './random';
import { checkScenario, parseSettings, type SimulationSettings } from './settings';
import { StaffLife } from './staff-life';

const SLOT_MS = 60_000;
const HOUR_MS = 3_600_000;
const TICK_MS = 30_000;
/** How long after the end the last tick comes, so that every window of the hospital pack has closed. */
const CLOSING_MS = 15 * 60_000;
const DAYS_MAX = 3660;
/** RFC 3339 has years of four digits; a day is kept free for closing and late events. */
const END_MS_MAX = Date.UTC(9999, 11, 31);

/** Start of a simulation that names none: a Monday, at the start of the early shift. */
export const START_TIME_DEFAULT = '2026-03-02T07:00:00.000Z';
/** Site of a simulation that names none. */
export const SITE_DEFAULT = 'general-hospital';

/** What to simulate. Equal options give equal events, byte for byte, on every machine. */
export interface SimulationOptions {
  /** A name of `SCENARIOS`. */
  readonly scenario: string;
  /** A whole number from 0 to 2^53 - 1. */
  readonly seed: number;
  /** Length in days, more than 0 and at most 3,660; fractions are allowed. */
  readonly days: number;
  /** RFC 3339; {@link START_TIME_DEFAULT} when missing. */
  readonly startTime?: string;
  /** {@link SITE_DEFAULT} when missing. */
  readonly site?: string;
  /** As written after `--set`, by the keys of `SETTINGS`. */
  readonly settings?: Readonly<Record<string, string>>;
}

/** A simulation: its events, and the truth about what was planted among them. */
export interface Simulation {
  readonly site: string;
  /** RFC 3339. */
  readonly startsAt: string;
  /** End of simulated life, RFC 3339; the closing tick comes 15 minutes later. */
  readonly endsAt: string;
  readonly settings: SimulationSettings;
  /**
   * Events in arrival order, each with `arrivedat`, which never decreases. They are made while they are read, with memory
   * for a minute or two of them, and can be read once.
   */
  readonly events: IterableIterator<ProtegoEvent>;
  /** Labels of the planted activities that `events` has passed so far; all of them once it is at its end. */
  labels(): readonly SimulationLabel[];
}

/**
 * A seeded hospital: ordinary life of its devices and staff, with attacks and their harmless twins planted in every hour.
 *
 * @throws ProtegoError `SCENARIO_UNKNOWN`, `SETTING_INVALID`
 */
export function simulateHospital(options: SimulationOptions): Simulation {
  checkScenario(options.scenario);
  const run = new HospitalRun(options);
  return {
    site: run.site,
    startsAt: formatRfc3339(run.startMs),
    endsAt: formatRfc3339(run.endMs),
    settings: run.settings,
    events: run.events(),
    labels: () => [...run.labels],
  };
}

class HospitalRun {
  readonly site: string;
  readonly startMs: number;
  readonly endMs: number;
  readonly settings: SimulationSettings;
  /** Six an hour at most. */
  readonly labels: SimulationLabel[] = [];
  readonly #plan: Omit<HourPlan, 'hourIndex' | 'hourStartMs'>;
  readonly #staff: StaffLife;
  readonly #devices: DeviceLife;
  readonly #directory: DirectoryLife;
  readonly #stamper: EventStamper;
  /** Activities of the current hour. */
  #activities: readonly Activity[] = [];

  constructor(options: SimulationOptions) {
    const { seed, site, startMs, endMs } = checkOptions(options);
    this.site = site;
    this.startMs = startMs;
    this.endMs = endMs;
    this.settings = parseSettings(options.settings ?? {});
    const hospital = buildHospital(this.settings);
    const { eventRateFactor, disorder } = this.settings;
    this.#plan = { hospital, settings: this.settings, seed, endMs };
    this.#staff = new StaffLife(hospital, eventRateFactor, SeededRandom.ofStream(seed, 'staff'));
    this.#devices = new DeviceLife(hospital, eventRateFactor, SeededRandom.ofStream(seed, 'devices'));
    this.#directory = new DirectoryLife(hospital, SeededRandom.ofStream(seed, 'directory'));
    const token = tokenOf({ ...this.settings, scenario: options.scenario, seed, site, startMs, endMs });
    this.#stamper = new EventStamper({ site, token, disorder, random: SeededRandom.ofStream(seed, 'network') });
  }

  *events(): Generator<ProtegoEvent, undefined, undefined> {
    for (let slotMs = this.startMs; slotMs < this.endMs; slotMs += SLOT_MS) {
      const slotEndMs = Math.min(slotMs + SLOT_MS, this.endMs);
      if ((slotMs - this.startMs) % HOUR_MS === 0) this.#beginHour(slotMs);
      for (const draft of this.#draftsOf(slotMs, slotEndMs)) this.#stamper.stamp(draft);
      yield* this.#stamper.arrivedBefore(slotEndMs);
      this.#endActivities(slotEndMs);
    }
    yield* this.#stamper.arrivedBefore(Infinity);
    this.#stamper.stamp(tickAt(this.endMs + CLOSING_MS));
    yield* this.#stamper.arrivedBefore(Infinity);
    return undefined;
  }

  #beginHour(hourStartMs: number): void {
    const hourIndex = (hourStartMs - this.startMs) / HOUR_MS;
    this.#activities = planHour({ ...this.#plan, hourIndex, hourStartMs });
  }

  #draftsOf(slotMs: number, slotEndMs: number): EventDraft[] {
    const drafts = [
      ...this.#directory.slot(slotMs),
      ...this.#staff.minute(slotMs),
      ...this.#devices.minute(slotMs),
      ...this.#activities.flatMap((activity) => activity.drafts.filter(({ timeMs }) => timeMs >= slotMs)),
    ].filter(({ timeMs }) => timeMs < slotEndMs);
    for (let timeMs = slotMs; timeMs < slotEndMs; timeMs += TICK_MS) drafts.push(tickAt(timeMs));
    // The sort is stable, so drafts of the same millisecond keep the order in which they were made.
    return drafts.sort((a, b) => a.timeMs - b.timeMs);
  }

  #endActivities(slotEndMs: number): void {
    const ended = this.#activities.filter(({ drafts }) => (drafts[drafts.length - 1] as EventDraft).timeMs < slotEndMs);
    if (ended.length === 0) return;
    this.#activities = this.#activities.filter((activity) => !ended.includes(activity));
    for (const activity of ended) this.labels.push(this.#labelOf(activity));
  }

  #labelOf(activity: Activity): SimulationLabel {
    const { name, attack, kind, entities, drafts, detectableAtMs } = activity;
    const [first, last] = [drafts[0], drafts[drafts.length - 1]] as [EventDraft, EventDraft];
    return {
      id: this.#stamper.labelId(name),
      attack,
      kind,
      activity: name,
      eventIds: drafts.map((draft) => ({ source: draft.source, id: this.#stamper.idOf(draft) })),
      entities,
      startsAt: formatRfc3339(first.timeMs),
      endsAt: formatRfc3339(last.timeMs),
      detectableAt: detectableAtMs === null ? null : formatRfc3339(detectableAtMs),
    };
  }
}

const tickAt = (timeMs: number): EventDraft => ({
  timeMs,
  source: 'simulation-clock',
  type: 'clock.ticked',
  data: {},
});

// An id names one content for ever, so the ids of runs that differ in any option must differ too.
function tokenOf(options: object): string {
  return createHash('sha256').update(canonicalJson(options)).digest('hex').slice(0, 10);
}

function checkOptions(options: SimulationOptions): { seed: number; site: string; startMs: number; endMs: number } {
  const { seed, days, startTime = START_TIME_DEFAULT, site = SITE_DEFAULT } = options;
  if (!Number.isSafeInteger(seed) || seed < 0) throw invalid('seed', seed, 'a whole number from 0 to 2^53 - 1');
  const durationMs = Math.round(days * 24 * HOUR_MS);
  if (!(durationMs >= 1 && days <= DAYS_MAX)) throw invalid('days', days, `more than 0 and at most ${DAYS_MAX}`);
  const startMs = parseRfc3339Ms(startTime);
  if (startMs === undefined) throw invalid('startTime', startTime, 'an RFC 3339 date-time with an offset');
  if (startMs + durationMs > END_MS_MAX)
    throw invalid('startTime', startTime, 'so early that the year 9999 is not left');
  if (!isNameToken(site)) throw invalid('site', site, 'lower-case letters, digits and dashes, at most 64');
  return { seed, site, startMs, endMs: startMs + durationMs };
}

function invalid(key: string, value: string | number, rule: string): ProtegoError {
  const text = String(value).slice(0, 64);
  return new ProtegoError('SETTING_INVALID', `${key} \`${text}\` must be ${rule}`, { key, value: text });
}
