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
import { simulateHospital, type SimulationOptions } from './simulation';

const HOUR = 1 / 24;

const run = (options: Partial<SimulationOptions> = {}): ProtegoEvent[] => [
  ...simulateHospital({ scenario: 'general', seed: 1, days: HOUR, ...options }).events,
];
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

  it('has a few thousand events an hour, of every kind', () => {
    const events = run({ days: 1 });
    expect(events.length / 24).toBeGreaterThan(3000);
    expect(events.length / 24).toBeLessThan(6000);
    const types = new Set(events.map(({ type }) => type));
    const missing = eventRegistry
      .types()
      .filter((type) => /^(device|access|roster|care|clock)\./.test(type) && !types.has(type));
    expect(missing).toEqual([
      'device.network-log-recorded',
      'device.process-started',
      'device.file-changed',
      'device.host-event-recorded',
      'access.privilege-changed',
    ]);
  });

  it('comes in arrival order, mostly within the lateness of its sources', () => {
    const events = run({ days: 0.5 });
    const arrivals = events.map(({ arrivedat }) => ms(arrivedat));
    expect(arrivals.filter((arrivedAtMs, index) => arrivedAtMs < (arrivals[index - 1] ?? 0))).toEqual([]);
    const delays = events.map(({ time }, index) => (arrivals[index] as number) - ms(time));
    expect(delays.filter((delayMs) => delayMs < 0 || (delayMs > 1500 && delayMs <= 2000))).toEqual([]);
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
