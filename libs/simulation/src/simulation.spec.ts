import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import {
  EVENT_BYTES_MAX,
  EventValidator,
  canonicalJson,
  eventRegistry,
  familyOf,
  isProtegoError,
  parseRfc3339Ms,
  parseSourceDeclarations,
  type ProtegoEvent,
} from '@protego/contracts';
import { simulateHospital, type PlantedEvents, type Simulation, type SimulationOptions } from './simulation';

const HOUR = 1 / 24;
/** What does not happen on every day, or comes from other systems only. */
const RARE_TYPES = new Set([
  'device.network-log-recorded',
  'device.host-event-recorded',
  'access.device-reported-lost',
  'access.device-reported-found',
  'access.break-glass-used',
  'access.privilege-changed',
  'exchange.revoked',
  'roster.person-left',
  'roster.partner-ended',
  'watchlist.entry-removed',
]);
/** A house that is quickly simulated. */
const SMALL = { wards: '2', bedsPerWard: '8' };

const of = (options: Partial<SimulationOptions> = {}): Simulation =>
  simulateHospital({
    scenario: 'general',
    seed: 1,
    days: HOUR,
    ...options,
    settings: { ...SMALL, ...options.settings },
  });
const run = (options: Partial<SimulationOptions> = {}): ProtegoEvent[] => [...of(options).events];
const ms = (text: string | undefined): number => parseRfc3339Ms(text ?? '') ?? Number.NaN;
const bytesOf = (events: readonly ProtegoEvent[]): string => events.map((event) => canonicalJson(event)).join('\n');

describe('simulateHospital', () => {
  it('makes events that the registry accepts, from sources that are declared for them', () => {
    const path = resolve(__dirname, '../../../streams/declarations/sources.yaml');
    const { sources, skewMaxMs } = parseSourceDeclarations(readFileSync(path, 'utf8'), path);
    const validator = new EventValidator(eventRegistry);
    const isSound = (event: ProtegoEvent): boolean => {
      const { timeMs, arrivedAtMs } = validator.check(event);
      const declared = sources.find(({ name }) => name === event.source);
      const families = [...(declared?.families ?? []), ...(declared?.authoritativeFor ?? [])];
      const isSmall = Buffer.byteLength(canonicalJson(event)) < EVENT_BYTES_MAX;
      const isTimely = timeMs <= (arrivedAtMs as number) + skewMaxMs;
      return isSmall && isTimely && declared?.carriesClock === true && families.includes(familyOf(event.type));
    };
    const events = run({ startTime: '2026-03-02T22:45:00.000Z' });
    expect(events.filter((event) => !isSound(event))).toEqual([]);
  });

  it('gives equal bytes for equal options and other ids for others', () => {
    expect(bytesOf(run())).toBe(bytesOf(run()));
    const ids = (options: Partial<SimulationOptions>): Set<string> => new Set(run(options).map(({ id }) => id));
    const known = ids({});
    for (const other of [{ seed: 2 }, { days: HOUR / 2 }, { settings: { attacks: 'off' } }, { site: 'other' }]) {
      expect([...ids(other)].filter((id) => known.has(id))).toEqual([]);
    }
  });

  it.each(['general', 'pocket-ehr', 'food-coach'])(
    'has every kind of event in %s, at most 10,000 a ward and day',
    (scenario) => {
      const quiet = { attacks: 'off', twins: 'off' };
      const { events, hospital } = simulateHospital({ scenario, seed: 1, days: 1, settings: quiet });
      const counts = new Map<string, number>();
      for (const { type } of events) counts.set(type, (counts.get(type) ?? 0) + 1);
      const wards = hospital.wards.filter(({ bedCount }) => bedCount > 0).length;
      const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
      expect(total / wards).toBeLessThanOrEqual(10_000);
      expect(total / wards).toBeGreaterThan(4_000);
      const ordinary = eventRegistry
        .types()
        .filter((type) => /^(device|access|exchange|roster|care|watchlist|clock)\./.test(type))
        .filter((type) => !RARE_TYPES.has(type));
      expect(ordinary.filter((type) => !counts.has(type))).toEqual([]);
    },
  );

  it('is the same in parts, whatever their size, whoever makes them', () => {
    const options = { days: 0.4, settings: { attacksPerDay: '40', twinsPerDay: '40' } };
    const whole = of(options);
    const lines = [...whole.events].map((event) => canonicalJson(event));
    for (const size of [13, 36]) {
      const parts: string[][] = [];
      const planted: PlantedEvents[] = [];
      const starts = Array.from({ length: Math.ceil(whole.sliceCount / size) }, (_, index) => index * size);
      // The last part first, each by a simulation of its own.
      for (const from of starts.toReversed()) {
        const part = of(options).part(from, Math.min(from + size, whole.sliceCount));
        parts.unshift([...part.events].map((event) => canonicalJson(event)));
        planted.unshift(part.planted);
      }
      expect(parts.flat()).toEqual(lines);
      const known: PlantedEvents = new Map();
      const labels = starts.flatMap((from, index) => {
        for (const [key, ids] of planted[index] as PlantedEvents) known.set(key, [...(known.get(key) ?? []), ...ids]);
        return of(options).takeLabels(from, Math.min(from + size, whole.sliceCount), known);
      });
      expect(labels).toEqual(whole.labels());
      expect(known.size).toBe(0);
    }
  });

  it('makes a day the same whatever was made before it', () => {
    // With this seed, the turns of an office at the weekend and on call fall to one person.
    const options = { days: 8, seed: 6 };
    const whole = of(options);
    const daySlices = whole.sliceCount / 8;
    const digestOf = (simulation: Simulation, from: number): string => {
      const digest = createHash('sha256');
      for (const event of simulation.part(from, from + daySlices).events) digest.update(JSON.stringify(event));
      return digest.digest('hex');
    };
    // A weekend and the Monday after it: rosters change, and who is on call.
    for (let from = 5 * daySlices; from < whole.sliceCount; from += daySlices)
      expect([from, digestOf(whole, from)]).toEqual([from, digestOf(of(options), from)]);
  });

  it('labels every activity with events that are there, within its time', () => {
    const whole = of({ days: 1, settings: { attacksPerDay: '40', twinsPerDay: '40' } });
    const events = new Map<string, ProtegoEvent>();
    for (const event of whole.events) events.set(`${event.source} ${event.id}`, event);
    expect(whole.labels().length).toBeGreaterThan(50);
    for (const label of whole.labels()) {
      expect(label.eventIds.length).toBeGreaterThan(0);
      expect(label.entities.length).toBeGreaterThan(0);
      for (const { source, id } of label.eventIds) {
        const timeMs = ms(events.get(`${source} ${id}`)?.time);
        expect(timeMs).toBeGreaterThanOrEqual(ms(label.startsAt) - 1_000);
        expect(timeMs).toBeLessThanOrEqual(ms(label.endsAt) + 1_000);
      }
      if (label.kind === 'benign-twin') expect(label.detectableAt).toBeNull();
      else expect(ms(label.detectableAt ?? '')).toBeLessThanOrEqual(ms(label.endsAt));
    }
  });

  it('comes in arrival order, mostly within the lateness of its sources', () => {
    const events = run({ days: 0.5, settings: { 'rates.telemetry': '6', 'rates.flows': '6' } });
    const arrivals = events.map(({ arrivedat }) => ms(arrivedat));
    expect(arrivals.filter((arrivedAtMs, index) => arrivedAtMs < (arrivals[index - 1] ?? 0))).toEqual([]);
    const delays = events.map(({ time }, index) => (arrivals[index] as number) - ms(time));
    expect(delays.filter((delayMs) => delayMs < -500 || (delayMs > 1_950 && delayMs <= 2_000))).toEqual([]);
    const lateCount = delays.filter((delayMs) => delayMs > 2000).length;
    expect(lateCount).toBeGreaterThan(0);
    expect(lateCount / events.length).toBeLessThan(0.002);
  });

  it('sends a few events twice, with the same content, and never one id for two', () => {
    const known = new Map<string, string>();
    const conflicts: string[] = [];
    let duplicateCount = 0;
    const events = run({ days: 0.5 });
    for (const event of events) {
      const key = `${event.source} ${event.id}`;
      const content = canonicalJson(event);
      if (known.has(key)) duplicateCount++;
      if ((known.get(key) ?? content) !== content) conflicts.push(key);
      known.set(key, content);
    }
    expect(conflicts).toEqual([]);
    expect(duplicateCount).toBeGreaterThan(10);
    expect(duplicateCount / events.length).toBeLessThan(0.01);
  });

  it('sends everything at once and once with disorder=off', () => {
    const events = run({ settings: { disorder: 'off' } });
    expect(events.every(({ time, arrivedat }) => time === arrivedat)).toBe(true);
    expect(new Set(events.map(({ source, id }) => `${source} ${id}`)).size).toBe(events.length);
  });

  it('ticks every 30 seconds and once 15 minutes after the end', () => {
    const ticks = run({ days: HOUR / 2 }).filter(({ type }) => type === 'clock.ticked');
    expect(ticks).toHaveLength(61);
    expect(ticks[1]?.time).toBe('2026-03-02T07:00:30.000Z');
    expect(ticks.at(-1)).toMatchObject({ time: '2026-03-02T07:45:00.000Z', source: 'simulation-clock' });
  });

  it('is lazy: ten years begin at once', () => {
    const { events } = simulateHospital({ scenario: 'general', seed: 1, days: 3660 });
    const first = Array.from({ length: 10_000 }, () => events.next());
    expect(first.every(({ done }) => done === false)).toBe(true);
  });

  it('ends with its simulated time, whatever the fraction of a day', () => {
    const { events, endsAt } = simulateHospital({ scenario: 'general', seed: 1, days: 0.0123 });
    const times = [...events].filter(({ type }) => type !== 'clock.ticked').map(({ time }) => ms(time));
    expect(Math.max(...times)).toBeLessThan(ms(endsAt));
    expect(Math.max(...times)).toBeGreaterThan(ms(endsAt) - 60_000);
  });

  it.each<[string, Partial<SimulationOptions>]>([
    ['SCENARIO_UNKNOWN', { scenario: 'dentist' }],
    ['SETTING_INVALID', { settings: { beds: '3' } }],
    ['SETTING_INVALID', { seed: 1.5 }],
    ['SETTING_INVALID', { seed: -1 }],
    ['SETTING_INVALID', { days: 0 }],
    ['SETTING_INVALID', { days: Number.NaN }],
    ['SETTING_INVALID', { days: 4000 }],
    ['SETTING_INVALID', { startTime: '2026-03-02' }],
    ['SETTING_INVALID', { startTime: '9999-12-31T00:00:00Z' }],
    ['SETTING_INVALID', { site: 'General Hospital' }],
  ])('throws %s for %j', (code, options) => {
    let thrown: unknown;
    try {
      run(options);
    } catch (error) {
      thrown = error;
    }
    expect(isProtegoError(thrown)).toBe(true);
    expect(thrown).toMatchObject({ code });
  });
});
