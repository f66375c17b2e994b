import { parseRfc3339Ms, type ProtegoEvent } from '@protego/contracts';
import type { SimulationLabel } from './label';
import { simulateHospital, type SimulationOptions } from './simulation';

const ms = (text: string): number => parseRfc3339Ms(text) ?? Number.NaN;

interface Played {
  readonly byKey: ReadonlyMap<string, ProtegoEvent>;
  readonly labels: readonly SimulationLabel[];
}

function play(options: Partial<SimulationOptions> = {}): Played {
  const simulation = simulateHospital({ scenario: 'general', seed: 1, days: 0.25, ...options });
  const byKey = new Map<string, ProtegoEvent>();
  for (const event of simulation.events) byKey.set(`${event.source} ${event.id}`, event);
  return { byKey, labels: simulation.labels() };
}

function textAt(event: ProtegoEvent, path: string): string {
  const value = path
    .split('.')
    .reduce<unknown>((at, key) => (at as Record<string, unknown> | undefined)?.[key], event.data);
  return String(value);
}

/** Most distinct values of one field per group, in any window of the given length. */
function distinctMax(
  events: readonly ProtegoEvent[],
  group: string,
  field: string,
  windowMs: number,
): Map<string, number> {
  const groups = new Map<string, { timeMs: number; value: string }[]>();
  for (const event of events) {
    const key = textAt(event, group);
    const list = groups.get(key) ?? [];
    list.push({ timeMs: ms(event.time), value: textAt(event, field) });
    groups.set(key, list);
  }
  const most = new Map<string, number>();
  for (const [key, list] of groups) {
    const counts = list.map(({ timeMs }) => {
      const window = list.filter((other) => other.timeMs <= timeMs && other.timeMs > timeMs - windowMs);
      return new Set(window.map(({ value }) => value)).size;
    });
    most.set(key, Math.max(...counts));
  }
  return most;
}

const isForeignTabletRead = (event: ProtegoEvent): boolean =>
  event.type === 'access.record-read' &&
  textAt(event, 'device.type') === 'tablet' &&
  textAt(event, 'device.ward') !== textAt(event, 'patient.ward') &&
  textAt(event, 'care_relationship') === 'false';

const ACTIVITIES = [
  'credential-stuffing',
  'float-nurse',
  'forced-password-change',
  'infection-control-round',
  'record-snooping-ward-tablet',
  'stale-service-account',
];

describe('labels', () => {
  it('tell of every activity in every hour, once and with distinct ids', () => {
    const { labels } = play();
    for (let hour = 0; hour < 6; hour++) {
      const startsMs = ms('2026-03-02T07:00:00.000Z') + hour * 3_600_000;
      const inHour = labels.filter(({ startsAt }) => ms(startsAt) >= startsMs && ms(startsAt) < startsMs + 3_600_000);
      expect(inHour.map(({ activity }) => activity).sort()).toEqual(ACTIVITIES);
    }
    expect(new Set(labels.map(({ id }) => id)).size).toBe(labels.length);
  });

  it('name events that are there, in their bounds', () => {
    const { byKey, labels } = play();
    for (const label of labels) {
      const times = label.eventIds.map(({ source, id }) => byKey.get(`${source} ${id}`)?.time);
      expect(times[0]).toBe(label.startsAt);
      expect(times.at(-1)).toBe(label.endsAt);
      expect([...times].sort()).toEqual(times);
      if (label.kind === 'benign-twin') expect(label.detectableAt).toBeNull();
      else expect(times).toContain(label.detectableAt);
    }
  });

  it('name activities whose events all come within the lateness', () => {
    const { byKey, labels } = play();
    const events = labels.flatMap(({ eventIds }) => eventIds).map(({ source, id }) => byKey.get(`${source} ${id}`));
    const delays = events.map((event) => ms(event?.arrivedat ?? '') - ms(event?.time ?? ''));
    expect(Math.max(...delays)).toBeLessThan(1500);
  });

  it('grow while the events are read', () => {
    const simulation = simulateHospital({ scenario: 'general', seed: 1, days: 0.125 });
    expect(simulation.labels()).toEqual([]);
    for (let i = 0; i < 6000; i++) simulation.events.next();
    expect(simulation.labels().length).toBeGreaterThanOrEqual(6);
    expect(simulation.labels().length).toBeLessThan(18);
  });

  it('plant nothing where attacks and twins are off', () => {
    const kinds = (settings: Record<string, string>): string[] => [
      ...new Set(play({ days: 1 / 24, settings }).labels.map(({ kind }) => kind)),
    ];
    expect(kinds({ attacks: 'off' })).toEqual(['benign-twin']);
    expect(kinds({ twins: 'off' })).toEqual(['attack']);
    expect(kinds({ attacks: 'off', twins: 'off' })).toEqual([]);
  });

  it('plant whole activities into a short simulation, and none into a shorter one', () => {
    expect(play({ days: 18 / 1440 }).labels).toHaveLength(ACTIVITIES.length);
    expect(play({ days: 16 / 1440 }).labels).toEqual([]);
  });
});

describe('attacks and twins', () => {
  it.each<Partial<SimulationOptions>>([
    { seed: 1, settings: {} },
    { seed: 2, settings: {} },
    { seed: 3, settings: { people: '300', patients: '600', devices: '400' } },
  ])('lie far apart on either side of the thresholds of the rule pack: %j', (options) => {
    const { byKey, labels } = play({ ...options, days: 2 / 24 });
    const events = [...byKey.values()];
    const attackers = new Set(labels.filter(({ kind }) => kind === 'attack').map(({ entities }) => entities[0]?.id));

    const failures = events.filter(({ type }) => type === 'access.sign-in-failed');
    for (const [address, accountCount] of distinctMax(failures, 'src_endpoint.ip', 'user.uid', 600_000)) {
      if (attackers.has(address)) expect(accountCount).toBeGreaterThanOrEqual(40);
      else expect(accountCount).toBeLessThanOrEqual(10);
    }
    for (const [tablet, patientCount] of distinctMax(
      events.filter(isForeignTabletRead),
      'device.uid',
      'patient.uid',
      900_000,
    )) {
      if (attackers.has(tablet)) expect(patientCount).toBeGreaterThanOrEqual(15);
      else expect(patientCount).toBeLessThanOrEqual(4);
    }
  });

  it('are what they claim: one success after the list, four reads of a float nurse, a round in care', () => {
    const { byKey, labels } = play();
    const eventsOf = (label: SimulationLabel): ProtegoEvent[] =>
      label.eventIds.map(({ source, id }) => byKey.get(`${source} ${id}`) as ProtegoEvent);
    for (const label of labels) {
      const events = eventsOf(label);
      const types = events.map(({ type }) => type);
      if (label.activity === 'credential-stuffing') {
        expect(types.filter((type) => type === 'access.signed-in')).toHaveLength(1);
        expect(types.at(-1)).toBe('access.signed-in');
      } else if (label.activity === 'stale-service-account') {
        expect(events.length).toBeGreaterThanOrEqual(100);
        expect(new Set(events.map((event) => textAt(event, 'user.uid'))).size).toBe(1);
      } else if (label.activity === 'float-nurse') {
        expect(events.filter(isForeignTabletRead)).toHaveLength(4);
      } else if (label.activity === 'infection-control-round') {
        expect(events.length).toBeGreaterThanOrEqual(15);
        expect(events.filter(isForeignTabletRead)).toHaveLength(0);
      }
    }
  });
});
