import type { ProtegoEvent } from '@protego/contracts';
import type { SimulationLabel } from '@protego/simulation';
import { drawOf } from '../seeds';
import { areaUnderCurve, estimateArea } from './area-under-curve';
import { examineDisguise, type Disguise } from './examine';
import { samplesOf, type GiveAway, type Matching, type ReadSimulation, type SampleSet } from './matched-samples';

const EVENTS = 3_000;
const START_MS = Date.parse('2026-03-02T07:00:00Z');
const DEVICES = Array.from({ length: 60 }, (_, n) => ({
  uid: `${n % 2 === 0 ? 'workstation' : 'tablet'}-${String(n).padStart(3, '0')}`,
  type: n % 2 === 0 ? 'workstation' : 'tablet',
  ip: `10.20.${n % 7}.${n}`,
}));

/** Sign-ins of a house in which each fortieth is part of an attack and looks like all others. */
function house(seed: number): ReadSimulation {
  const labels: SimulationLabel[] = [];
  const events = Array.from({ length: EVENTS }, (_, n): ProtegoEvent => {
    const draw = (what: string, count: number): number => Math.floor(drawOf(seed, `${what}/${n}`) * count);
    const user = `p-${String(draw('user', 400)).padStart(4, '0')}`;
    const device = DEVICES[draw('device', DEVICES.length)] as (typeof DEVICES)[number];
    return {
      specversion: '1.0',
      id: `${seed}-${n.toString(36).padStart(5, '0')}`,
      source: 'identity-provider',
      type: 'access.signed-in',
      time: new Date(START_MS + n * 10_000).toISOString(),
      subject: user,
      site: 'general-hospital',
      data: {
        user: { uid: user, role: 'nurse' },
        device,
        src_endpoint: { ip: device.ip, hostname: device.uid, zone: 'ward' },
        service: { name: 'ehr' },
        session: { uid: `s-${draw('session', 1e9).toString(16)}` },
        http_request: { user_agent: draw('agent', 2) === 0 ? 'EHR/7.2 (Windows)' : 'EHR/7.1 (Android)' },
      },
    };
  });
  for (let n = 0; n < EVENTS; n += 200) {
    const own = Array.from({ length: 10 }, (_, k) => events[n + Math.floor(drawOf(seed, `own/${n}/${k}`) * 200)]);
    const eventIds = [...new Set(own)].map((event) => ({
      source: 'identity-provider',
      id: (event as ProtegoEvent).id,
    }));
    labels.push({
      id: `${seed}-label-${n}`,
      attack: 'session-hijack',
      kind: 'attack',
      activity: 'one',
      eventIds,
      entities: [],
      startsAt: '',
      endsAt: '',
      detectableAt: '',
    });
  }
  const devices = DEVICES.map((view) => ({ view })) as unknown as ReadSimulation['hospital']['devices'];
  return { events, labels, hospital: { devices, partners: [] } };
}

const houses = new Map([2, 4, 6, 8].map((seed) => [seed, house(seed)]));

function examined(giveAway?: GiveAway, matching: Matching = 'class'): Disguise {
  const sets = (seeds: readonly number[]): SampleSet[] =>
    seeds.map((seed) => samplesOf(houses.get(seed) as ReadSimulation, giveAway));
  return examineDisguise(sets([2, 4]), sets([6, 8]), matching);
}

const changed = (event: ProtegoEvent, key: string, value: unknown): ProtegoEvent => ({
  ...event,
  data: { ...event.data, [key]: value },
});
const userOf = (event: ProtegoEvent): { uid: string } => event.data['user'] as { uid: string };

describe('examineDisguise', () => {
  it('cannot tell attacks that look like everything else', () => {
    for (const matching of ['class', 'type'] as const) {
      const { area, trainedPairs, testedPairs } = examined(undefined, matching);
      expect(area.least).toBeLessThan(0.55);
      expect(area.greatest).toBeGreaterThan(0.45);
      expect([trainedPairs, testedPairs].every((pairs) => pairs > 100)).toBe(true);
    }
  });

  it.each<[string, GiveAway]>([
    ['their ids have a prefix', (event) => ({ ...event, id: `x${event.id}` })],
    ['their ids are out of order', (event) => ({ ...event, id: event.id.replace(/-0/, '-z') })],
    ['the subject is written in capitals', (event) => ({ ...event, subject: event.subject?.toUpperCase() })],
    [
      'numbers of accounts are high',
      (event) => changed(event, 'user', { ...userOf(event), uid: 'p-9' + userOf(event).uid.slice(3) }),
    ],
    [
      'accounts are met nowhere else',
      (event) => changed(event, 'user', { ...userOf(event), uid: `p-1${event.id.slice(-3)}`.replace(/[a-z]/g, '4') }),
    ],
    ['the user agent is another', (event) => changed(event, 'http_request', { user_agent: 'EHR/7.2 (Linux)' })],
    [
      'addresses are of another network',
      (event) => changed(event, 'src_endpoint', { ip: '10.66.1.9', hostname: 'tablet-001', zone: 'ward' }),
    ],
    [
      'fields stand in another order',
      (event) => ({ ...event, data: Object.fromEntries(Object.entries(event.data).reverse()) }),
    ],
    [
      'fields of a person stand in another order',
      (event) => changed(event, 'user', { role: 'nurse', uid: userOf(event).uid }),
    ],
  ])('notices when %s', (_, giveAway) => {
    const { area, tells } = examined(giveAway);
    expect(area.area).toBeGreaterThan(0.9);
    expect(tells.length).toBeGreaterThan(0);
  });

  it('does not take what somebody is for a name', () => {
    const promoted: GiveAway = (event) => changed(event, 'user', { uid: userOf(event).uid, role: 'physician' });
    expect(samplesOf(house(2), promoted)).toMatchObject({
      pairs: { class: [] },
      unmatched: { 'access.signed-in': expect.any(Number) },
    });
    expect(examined(promoted, 'type').area.least).toBeLessThan(0.55);
  });
});

describe('areaUnderCurve', () => {
  const scored = (
    positives: readonly number[],
    negatives: readonly number[],
  ): { score: number; isPositive: boolean }[] => [
    ...positives.map((score) => ({ score, isPositive: true })),
    ...negatives.map((score) => ({ score, isPositive: false })),
  ];

  it.each([
    [[2, 3], [0, 1], 1],
    [[0, 1], [2, 3], 0],
    [[1, 1], [1, 1], 0.5],
    [[1, 3], [0, 2], 0.75],
    [[1], [1, 0], 0.75],
    [[], [1], 0.5],
  ])('of %j over %j is %d', (positives, negatives, area) => {
    expect(areaUnderCurve(scored(positives, negatives))).toBe(area);
  });

  it('has wide limits where groups stick together', () => {
    const groups = Array.from({ length: 6 }, (_, n) => String(n));
    const alike = groups.flatMap((group, n) =>
      Array.from({ length: 50 }, () => [
        { score: n % 2, isPositive: true, group },
        { score: 0.5, isPositive: false, group },
      ]).flat(),
    );
    const apart = alike.map((each, n) => ({ ...each, group: String(n) }));
    const width = ({ least, greatest }: { least: number; greatest: number }): number => greatest - least;
    expect(width(estimateArea(alike))).toBeGreaterThan(3 * width(estimateArea(apart)));
  });
});
