import { createHash } from 'node:crypto';
import { ProtegoError, canonicalJson, formatRfc3339, isNameToken, parseRfc3339Ms } from '@protego/contracts';
import type { ProtegoEvent } from '@protego/contracts';
import { ActivityPlan, type PlayedActivity } from './activity-plan';
import { SCRIPTS } from './attacks';
import { DAY_MS } from './durations';
import { EventStamper, type Arrival } from './event-stamper';
import { buildHospital } from './hospital/build-hospital';
import type { Hospital } from './hospital/model';
import type { SimulationLabel } from './label';
import { LIVES } from './life';
import { SLICE_MS } from './life/life';
import { checkScenario, parseSettings, type SimulationSettings } from './settings';
import { SliceDrafts, tickAt } from './slice-drafts';

/** How long after the end the last tick comes, so that every short window has closed. */
const CLOSING_MS = 15 * 60_000;
const DAYS_MAX = 3660;
/** RFC 3339 has years of four digits; a day is kept free for closing and late events. */
const END_MS_MAX = Date.UTC(9999, 11, 31);

/** Version of the generator: histories of equal options and another version differ. */
export const GENERATOR_VERSION = 2;
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

/** A stretch of a simulation, by slices of {@link SLICE_MS}: `[fromSlice, toSlice)`. */
export interface SimulationPart {
  /**
   * Events that arrive in the stretch, in arrival order, each with `arrivedat`, which never decreases. They are made while they
   * are read, with memory for a slice or two of them, and can be read once.
   */
  readonly events: IterableIterator<ProtegoEvent>;
  /** Events of planted activities that happen in the stretch, as far as `events` was read. */
  readonly planted: PlantedEvents;
}

/** Events that are part of activities, by the activity's key, in event time. */
export type PlantedEvents = Map<string, { readonly source: string; readonly id: string }[]>;

/** A simulation: its events, and the truth about what was planted among them. */
export interface Simulation {
  readonly site: string;
  /** RFC 3339. */
  readonly startsAt: string;
  /** End of simulated life, RFC 3339; the closing tick comes 15 minutes later. */
  readonly endsAt: string;
  readonly settings: SimulationSettings;
  readonly hospital: Hospital;
  /** How many slices there are. */
  readonly sliceCount: number;
  /** All events; see {@link SimulationPart}. */
  readonly events: IterableIterator<ProtegoEvent>;
  /** Labels of the planted activities that `events` has passed so far; all of them once it is at its end. */
  labels(): readonly SimulationLabel[];
  /**
   * A stretch of the simulation on its own. Parts that follow each other give the events of the whole, byte for byte, whoever
   * makes them and in whatever order.
   */
  part(fromSlice: number, toSlice: number): SimulationPart;
  /** Labels of the activities that end in some slices, given the planted events of all parts so far; it takes them out. */
  takeLabels(fromSlice: number, toSlice: number, planted: PlantedEvents): SimulationLabel[];
}

/**
 * A seeded hospital: ordinary life of its people and devices, with attacks and their harmless twins planted in it.
 *
 * @throws ProtegoError `SCENARIO_UNKNOWN`, `SETTING_INVALID`
 */
export function simulateHospital(options: SimulationOptions): Simulation {
  checkScenario(options.scenario);
  return new HospitalRun(options);
}

class HospitalRun implements Simulation {
  readonly site: string;
  readonly settings: SimulationSettings;
  readonly hospital: Hospital;
  readonly #seed: number;
  readonly #startMs: number;
  readonly #endMs: number;
  readonly #token: string;
  readonly #plan: ActivityPlan;
  readonly #labels: SimulationLabel[] = [];
  #events: IterableIterator<ProtegoEvent> | undefined;

  constructor(options: SimulationOptions) {
    const { seed, site, startMs, endMs } = checkOptions(options);
    const settings = parseSettings(options.settings ?? {}, options.scenario);
    this.site = site;
    this.settings = settings;
    this.#seed = seed;
    this.#startMs = startMs;
    this.#endMs = endMs;
    this.hospital = buildHospital({ seed, settings, startMs, endMs });
    this.#plan = new ActivityPlan({ hospital: this.hospital, settings, seed, startMs, endMs, scripts: SCRIPTS });
    this.#token = tokenOf({
      ...settings,
      scenario: options.scenario,
      seed,
      site,
      startMs,
      endMs,
      v: GENERATOR_VERSION,
    });
  }

  get startsAt(): string {
    return formatRfc3339(this.#startMs);
  }

  get endsAt(): string {
    return formatRfc3339(this.#endMs);
  }

  get sliceCount(): number {
    return Math.ceil((this.#endMs - this.#startMs) / SLICE_MS);
  }

  get events(): IterableIterator<ProtegoEvent> {
    return (this.#events ??= this.#all());
  }

  labels(): readonly SimulationLabel[] {
    return [...this.#labels];
  }

  part(fromSlice: number, toSlice: number): SimulationPart {
    const planted: PlantedEvents = new Map();
    return { events: this.#arrivals(fromSlice, toSlice, planted), planted };
  }

  takeLabels(fromSlice: number, toSlice: number, planted: PlantedEvents): SimulationLabel[] {
    const drafts = this.#drafts();
    const [fromMs, toMs] = [this.#startMs + fromSlice * SLICE_MS, this.#startMs + toSlice * SLICE_MS];
    drafts.activitiesIn(fromMs, toMs);
    return this.#labelled(drafts.endedIn(fromMs, toMs), planted);
  }

  *#all(): Generator<ProtegoEvent, undefined, undefined> {
    const planted: PlantedEvents = new Map();
    const drafts = this.#drafts();
    for (const slice of this.#slices(0, this.sliceCount, planted, drafts)) {
      yield* slice.events;
      this.#labels.push(...this.#labelled(drafts.endedIn(slice.startMs, slice.endMs), planted));
    }
    return undefined;
  }

  *#arrivals(
    fromSlice: number,
    toSlice: number,
    planted: PlantedEvents,
  ): Generator<ProtegoEvent, undefined, undefined> {
    for (const { events } of this.#slices(fromSlice, toSlice, planted, this.#drafts())) yield* events;
    return undefined;
  }

  *#slices(
    fromSlice: number,
    toSlice: number,
    planted: PlantedEvents,
    drafts: SliceDrafts,
  ): Generator<{ events: readonly ProtegoEvent[]; startMs: number; endMs: number }, undefined, undefined> {
    const { disorder, missingShare, clockDriftMsMax } = this.settings;
    const stamper = new EventStamper({
      seed: this.#seed,
      site: this.site,
      token: this.#token,
      disorder,
      missingShare,
      clockDriftMsMax,
    });
    // What is delayed arrives in the slice after its own at the latest, so one slice before is enough.
    let pending = fromSlice === 0 ? [] : stamper.stamp(fromSlice - 1, drafts.of(fromSlice - 1), () => undefined);
    pending = pending.filter(({ arrivedAtMs }) => arrivedAtMs >= this.#startMs + fromSlice * SLICE_MS);
    const onPlanted = (activity: string, { source, id }: ProtegoEvent): void => {
      const known = planted.get(activity);
      if (known === undefined) planted.set(activity, [{ source, id }]);
      else known.push({ source, id });
    };
    for (let slice = fromSlice; slice < toSlice; slice++) {
      const startMs = this.#startMs + slice * SLICE_MS;
      const isLast = slice === this.sliceCount - 1;
      const endMs = isLast ? Number.POSITIVE_INFINITY : startMs + SLICE_MS;
      const arrivals = [...pending, ...stamper.stamp(slice, drafts.of(slice), onPlanted)];
      // The sort is stable, so what arrives in the same millisecond keeps the order of event time.
      arrivals.sort((a, b) => a.arrivedAtMs - b.arrivedAtMs);
      if (isLast) arrivals.push(...this.#closingTick(stamper));
      const arrivedCount = countBefore(arrivals, endMs);
      pending = arrivals.slice(arrivedCount);
      yield { events: arrivals.slice(0, arrivedCount).map(({ event }) => event), startMs, endMs: startMs + SLICE_MS };
    }
    return undefined;
  }

  #closingTick(stamper: EventStamper): Arrival[] {
    const draft = tickAt(this.#endMs + CLOSING_MS);
    return stamper.stamp(this.sliceCount, [{ draft, activity: undefined }], () => undefined);
  }

  #drafts(): SliceDrafts {
    const { hospital, settings } = this;
    return new SliceDrafts({
      hospital,
      settings,
      seed: this.#seed,
      startMs: this.#startMs,
      endMs: this.#endMs,
      lives: LIVES,
      plan: this.#plan,
    });
  }

  #labelled(ended: readonly PlayedActivity[], planted: PlantedEvents): SimulationLabel[] {
    return ended.map((activity) => {
      const eventIds = planted.get(activity.key) ?? [];
      planted.delete(activity.key);
      return labelOf(activity, `${this.#token}-label-${activity.key}`, eventIds);
    });
  }
}

function labelOf(
  { script, drafts, entities, startMs, endMs, detectableAtMs }: PlayedActivity,
  id: string,
  eventIds: SimulationLabel['eventIds'],
): SimulationLabel {
  return {
    id,
    attack: script.attack,
    kind: script.kind,
    activity: script.name,
    eventIds,
    entities,
    startsAt: formatRfc3339(drafts[0]?.timeMs ?? startMs),
    endsAt: formatRfc3339(endMs),
    detectableAt: detectableAtMs === null ? null : formatRfc3339(detectableAtMs),
  };
}

function countBefore(arrivals: readonly Arrival[], endMs: number): number {
  const first = arrivals.findIndex(({ arrivedAtMs }) => arrivedAtMs >= endMs);
  return first < 0 ? arrivals.length : first;
}

// An id names one content for ever, so the ids of runs that differ in any option must differ too.
function tokenOf(options: object): string {
  return createHash('sha256').update(canonicalJson(options)).digest('hex').slice(0, 10);
}

function checkOptions(options: SimulationOptions): { seed: number; site: string; startMs: number; endMs: number } {
  const { seed, days, startTime = START_TIME_DEFAULT, site = SITE_DEFAULT } = options;
  if (!Number.isSafeInteger(seed) || seed < 0) throw invalid('seed', seed, 'a whole number from 0 to 2^53 - 1');
  const durationMs = Math.round(days * DAY_MS);
  if (!(durationMs >= 1 && days <= DAYS_MAX)) throw invalid('days', days, `more than 0 and at most ${DAYS_MAX}`);
  const startMs = parseRfc3339Ms(startTime);
  if (startMs === undefined) throw invalid('startTime', startTime, 'an RFC 3339 date-time with an offset');
  if (startMs < 0) throw invalid('startTime', startTime, 'in 1970 or later');
  if (startMs + durationMs > END_MS_MAX)
    throw invalid('startTime', startTime, 'so early that the year 9999 is not left');
  if (!isNameToken(site)) throw invalid('site', site, 'lower-case letters, digits and dashes, at most 64');
  return { seed, site, startMs, endMs: startMs + durationMs };
}

function invalid(key: string, value: string | number, rule: string): ProtegoError {
  const text = String(value).slice(0, 64);
  return new ProtegoError('SETTING_INVALID', `${key} \`${text}\` must be ${rule}`, { key, value: text });
}
