import type { EventData, LoggedEvent } from '@protego/contracts';
import { START_MS, describeDetector, foundBy, loggedEvent } from '../testing';
import type { Detector } from './detector';
import { SNOOPING } from './snooping';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

let nextSeq = 0;
function event(type: string, afterMs: number, data: EventData): LoggedEvent {
  const seq = nextSeq++;
  return loggedEvent({ id: `e${seq}`, timeMs: START_MS + afterMs, seq, type, data });
}
const kind = (id: string): Detector<'access'> =>
  SNOOPING.find(({ rule }) => rule.id === `snooping-${id}`) as Detector<'access'>;
const found = (id: string, history: readonly LoggedEvent[]) => foundBy(kind(id), history);

const ANNA = { uid: 'anna.lind', role: 'nurse', ward: 'surgery' };
const at = (text: number): string => new Date(START_MS + text).toISOString();
const assigned = (user: EventData, patient_uid: string, surname: string, street: string, number: number): LoggedEvent =>
  event('roster.person-assigned', 0, {
    user,
    resident: { patient_uid, surname, street, address: `${street} ${number}` },
  });
const anna = (): LoggedEvent => assigned(ANNA, 'pt-anna', 'Lind', 'Elm Street', 4);
const duty = (startMs: number, endMs: number, parts: EventData = {}): LoggedEvent =>
  event('roster.shift-assigned', 0, { user: ANNA, start: at(startMs), end: at(endMs), ...parts });
const admitted = (uid: string, ward: string, home: EventData = {}): LoggedEvent =>
  event('care.patient-admitted', 0, { patient: { uid, ward, ...home } });
const home = (surname: string, street: string, number: number): EventData => ({
  surname,
  street,
  address: `${street} ${number}`,
});
const care = (type: string, afterMs: number, uid: string): LoggedEvent =>
  event(`care.relationship-${type}`, afterMs, { user: ANNA, patient: { uid } });

function read(afterMs: number, uid: string, parts: EventData = {}): LoggedEvent {
  return event('access.record-read', afterMs, {
    actor: { user: ANNA },
    device: { uid: 'ws-1', type: 'workstation', ward: 'surgery' },
    src_endpoint: { ip: '10.1.0.9', zone: 'ward' },
    patient: { uid },
    service: { name: 'ehr' },
    purpose: 'treatment',
    care_relationship: false,
    record_type: 'chart',
    ...parts,
  });
}
const reads = (count: number, uid: string, parts: EventData = {}): LoggedEvent[] =>
  Array.from({ length: count }, (_, n) => read(HOUR_MS + n * MINUTE_MS, uid, parts));
const patients = (count: number, parts: EventData = {}, everyMs = MINUTE_MS): LoggedEvent[] =>
  Array.from({ length: count }, (_, n) => read(HOUR_MS + n * everyMs, `pt-${n}`, parts));

beforeEach(() => {
  nextSeq = 0;
});

describe('every kind of snooping', () => {
  const HISTORIES: Readonly<Record<string, () => LoggedEvent[]>> = {
    self: () => [anna(), read(HOUR_MS, 'pt-anna')],
    family: () => [anna(), admitted('pt-9', 'medicine', home('Berg', 'Elm Street', 4)), read(HOUR_MS, 'pt-9')],
    vip: () => [event('watchlist.entry-added', 0, { list: 'vip', patient: { uid: 'pt-9' } }), ...reads(3, 'pt-9')],
    'co-worker': () => [assigned({ uid: 'bo' }, 'pt-bo', 'Berg', 'Oak Lane', 1), ...reads(3, 'pt-bo')],
    neighbour: () => [anna(), admitted('pt-9', 'medicine', home('Berg', 'Elm Street', 5)), ...reads(3, 'pt-9')],
    deceased: () => [
      admitted('pt-9', 'medicine'),
      event('care.patient-discharged', 1, { patient: { uid: 'pt-9' }, outcome: 'deceased' }),
      ...reads(3, 'pt-9'),
    ],
    'never-treated': () => reads(3, 'pt-9'),
    'after-hours': () => [
      anna(),
      duty(-9 * HOUR_MS, -2 * HOUR_MS),
      duty(20 * HOUR_MS, 28 * HOUR_MS),
      ...reads(3, 'pt-9', { patient: { uid: 'pt-9', ward: 'medicine' } }),
    ],
    'other-department': () => [
      ...Array.from({ length: 5 }, (_, n) => admitted(`pt-${n}`, 'medicine')),
      ...patients(5, {}, 3 * HOUR_MS),
    ],
    'mass-lookup': () => patients(12),
  };

  it('has a history here', () => {
    expect(SNOOPING.map(({ rule }) => rule.id.replace('snooping-', '')).sort()).toEqual(Object.keys(HISTORIES).sort());
  });

  describe.each(Object.entries(HISTORIES))('%s', (id, history) => {
    describeDetector({ detector: kind(id), history: history(), foundCount: 1, name: 'anna.lind' });

    it('is quiet where a care relationship is on record', () => {
      const isInCare = history().map((each) =>
        each.event.type === 'access.record-read'
          ? { ...each, event: { ...each.event, data: { ...each.event.data, care_relationship: true } } }
          : each,
      );
      expect(found(id, isInCare)).toEqual([]);
      const uids = new Set(history().map((each) => (each.event.data['patient'] as { uid?: string } | undefined)?.uid));
      const recorded = [...uids].filter((uid) => uid !== undefined).map((uid) => care('started', 0, uid));
      expect(found(id, [...recorded, ...history()])).toEqual([]);
    });
  });
});

describe('snooping: what is told', () => {
  it('names person, patient, place and parts', () => {
    const history = [
      anna(),
      admitted('pt-9', 'medicine', home('Berg', 'Elm Street', 5)),
      read(HOUR_MS, 'pt-9', { record_type: 'letters' }),
      ...reads(2, 'pt-9', { src_endpoint: { ip: '203.0.113.9', zone: 'internet' } }),
    ];
    expect(found('neighbour', history)[0]?.detection).toMatchObject({
      severity: 'medium',
      eventCount: 3,
      entities: [
        { kind: 'person', id: 'anna.lind' },
        { kind: 'patient', id: 'pt-9' },
      ],
      why: expect.stringContaining('3 times, from outside the house: letters, chart.') as unknown,
    });
  });

  it('tells once a day, and again of who goes on', () => {
    const daily = (days: number): LoggedEvent[] => [
      anna(),
      ...Array.from({ length: days }, (_, n) => read(n * DAY_MS, 'pt-anna')),
    ];
    expect(found('self', daily(1))).toHaveLength(1);
    expect(found('self', [...daily(1), read(DAY_MS - 1, 'pt-anna')])).toHaveLength(1);
    expect(found('self', daily(3))).toHaveLength(3);
  });

  it('counts looks over days, but for ten of them only', () => {
    const looks = (everyMs: number): LoggedEvent[] => Array.from({ length: 3 }, (_, n) => read(n * everyMs, 'pt-9'));
    expect(found('never-treated', looks(4 * DAY_MS))).toHaveLength(1);
    expect(found('never-treated', looks(5 * DAY_MS))).toEqual([]);
  });

  it('counts what leaves the record twice', () => {
    const exported = read(HOUR_MS, 'pt-9');
    const out = { ...exported, event: { ...exported.event, type: 'access.record-exported' } };
    expect(found('never-treated', [read(0, 'pt-9'), out])).toHaveLength(1);
  });
});

describe('snooping: whom it leaves alone', () => {
  const inMedicine = { patient: { uid: 'pt-9', ward: 'medicine' } };

  it('a single weak sign', () => {
    const known = [anna(), assigned({ uid: 'bo' }, 'pt-bo', 'Lind', 'Elm Street', 9)];
    expect(found('co-worker', [...known, ...reads(2, 'pt-bo')])).toEqual([]);
    expect(found('never-treated', reads(2, 'pt-9'))).toEqual([]);
    expect(
      found('vip', [event('watchlist.entry-added', 0, { list: 'vip', value: 'pt-9' }), ...reads(2, 'pt-9')]),
    ).toEqual([]);
    expect(found('mass-lookup', patients(11))).toEqual([]);
  });

  it('a namesake of another street, and a neighbour, in the family', () => {
    const apart = (street: string) => [
      anna(),
      admitted('pt-9', 'medicine', home('Lind', street, 4)),
      ...reads(3, 'pt-9'),
    ];
    expect(found('family', apart('Oak Lane'))).toEqual([]);
    expect(found('neighbour', apart('Oak Lane'))).toEqual([]);
    expect(found('family', apart('Elm Street'))).toHaveLength(1);
    const next = [anna(), admitted('pt-9', 'medicine', home('Berg', 'Elm Street', 5)), ...reads(3, 'pt-9')];
    expect(found('family', next)).toEqual([]);
  });

  it('whoever has a task that asks for it', () => {
    const coder = { actor: { user: { uid: 'co', role: 'clinical-coder', ward: 'coding' } } };
    expect(found('mass-lookup', patients(40, { ...coder, purpose: 'coding' }))).toEqual([]);
    expect(found('mass-lookup', patients(40, { ...coder, purpose: 'treatment' }))).toHaveLength(1);
    expect(found('mass-lookup', patients(40, { purpose: 'coding' }))).toHaveLength(1);
  });

  it('whoever has a task about a relative who is a patient, but not about one who is not', () => {
    const clerk = { ...ANNA, role: 'admission-clerk' };
    const task = { actor: { user: clerk }, purpose: 'admission' };
    const bo = assigned({ uid: 'bo' }, 'pt-bo', 'Lind', 'Elm Street', 4);
    const known = [assigned(clerk, 'pt-anna', 'Lind', 'Elm Street', 4), bo];
    expect(found('family', [...known, read(HOUR_MS, 'pt-bo', task)])).toHaveLength(1);
    expect(found('family', [...known, admitted('pt-bo', 'medicine'), read(HOUR_MS, 'pt-bo', task)])).toEqual([]);
    expect(found('self', [...known, admitted('pt-anna', 'medicine'), read(HOUR_MS, 'pt-anna', task)])).toHaveLength(1);
  });

  it('work at the seat of the patient’s ward, and a patient who came to the own ward just now', () => {
    const seat = { device: { uid: 'ws-7', type: 'workstation', ward: 'medicine' } };
    const bo = assigned({ uid: 'bo' }, 'pt-9', 'Berg', 'Oak Lane', 1);
    expect(found('co-worker', [bo, ...reads(3, 'pt-9', { ...inMedicine, ...seat })])).toEqual([]);
    expect(found('co-worker', [bo, ...reads(3, 'pt-9', { patient: { uid: 'pt-9', ward: 'surgery' } })])).toEqual([]);
    expect(found('co-worker', [bo, ...reads(3, 'pt-9', inMedicine)])).toHaveLength(1);
    // After the stay there is no bed to stand at, but the ward has letters to write.
    const gone = (ward: string): LoggedEvent[] => [
      admitted('pt-9', ward),
      event('care.patient-discharged', 1, { patient: { uid: 'pt-9' }, outcome: 'home' }),
    ];
    const late = Array.from({ length: 3 }, (_, n) => read(14 * DAY_MS + n + 1, 'pt-9'));
    expect(found('co-worker', [bo, ...gone('medicine'), ...reads(3, 'pt-9', seat)])).toHaveLength(1);
    expect(found('co-worker', [bo, ...gone('surgery'), ...reads(3, 'pt-9')])).toEqual([]);
    expect(found('co-worker', [bo, ...gone('surgery'), ...late])).toHaveLength(1);
  });

  it('emergency access, for half a day', () => {
    const broken = event('access.break-glass-used', 0, {
      actor: { user: ANNA },
      patient: { uid: 'pt-9' },
      reason: 'x',
    });
    expect(found('never-treated', [broken, ...reads(3, 'pt-9')])).toEqual([]);
    const later = Array.from({ length: 3 }, (_, n) => read(12 * HOUR_MS + n, 'pt-9'));
    expect(found('never-treated', [broken, ...later])).toHaveLength(1);
  });

  it('whoever cared for the patient up to two weeks ago', () => {
    const past = [care('started', -DAY_MS, 'pt-9'), care('ended', 0, 'pt-9')];
    const late = (afterMs: number) => Array.from({ length: 3 }, (_, n) => read(afterMs + n, 'pt-9'));
    expect(found('never-treated', [...past, ...late(14 * DAY_MS - 10)])).toEqual([]);
    expect(found('never-treated', [...past, ...late(14 * DAY_MS)])).toHaveLength(1);
  });

  it('the own record in the patient portal', () => {
    expect(found('self', [anna(), read(HOUR_MS, 'pt-anna', { service: { name: 'patient-portal' } })])).toEqual([]);
  });

  it('whoever is on duty, on call, an hour late, or in no roster', () => {
    const work = reads(3, 'pt-9', inMedicine);
    const offDuty = [anna(), duty(20 * HOUR_MS, 28 * HOUR_MS), duty(-9 * HOUR_MS, -3 * HOUR_MS)];
    expect(found('after-hours', [...offDuty, ...work])).toHaveLength(1);
    expect(found('after-hours', [...offDuty, duty(0, 2 * HOUR_MS), ...work])).toEqual([]);
    expect(found('after-hours', [...offDuty, duty(-2 * HOUR_MS, 10 * MINUTE_MS), ...work])).toEqual([]);
    expect(found('after-hours', [...offDuty, duty(0, 8 * HOUR_MS, { on_call: true }), ...work])).toEqual([]);
    expect(found('after-hours', [anna(), ...work])).toEqual([]);
    expect(found('after-hours', [anna(), duty(20 * HOUR_MS, 28 * HOUR_MS), ...work])).toEqual([]);
  });
});
