import type { ProtegoEvent } from '@protego/contracts';
import { HourCounts, clockPlace, daysOf } from './day-clock';
import { DeviceTally } from './device-tally';
import { PeopleTally } from './people-tally';
import { RelationTally } from './relation-tally';
import { quantile } from './statistics';

const MONDAY_MS = Date.UTC(2026, 2, 2);
const HOUR_MS = 3_600_000;

const event = (type: string, data: ProtegoEvent['data'], timeMs = MONDAY_MS): ProtegoEvent => ({
  specversion: '1.0',
  id: String(timeMs),
  source: 'ehr',
  type,
  time: new Date(timeMs).toISOString(),
  site: 'north',
  data,
});
const read = (uid: string, patient: string, atHours: number, careRelationship = true): ProtegoEvent =>
  event(
    'access.record-read',
    { actor: { user: { uid, role: 'nurse' } }, patient: { uid: patient }, care_relationship: careRelationship },
    MONDAY_MS + atHours * HOUR_MS,
  );

describe('clock', () => {
  it('knows hours and weekends', () => {
    expect(clockPlace(MONDAY_MS + 13.5 * HOUR_MS)).toEqual({ hour: 13, isWeekend: false });
    expect(clockPlace(MONDAY_MS + 5 * 24 * HOUR_MS)).toEqual({ hour: 0, isWeekend: true });
    expect(daysOf(MONDAY_MS, 14)).toEqual({ weekday: 10, weekend: 4 });
  });

  it('gives means an hour, weekdays and weekends apart', () => {
    const counts = new HourCounts();
    for (const day of [0, 1, 5]) counts.add(MONDAY_MS + (day * 24 + 8) * HOUR_MS);
    expect(counts.perHour('weekday', 5)[8]).toBeCloseTo(0.4);
    expect(counts.perHour('weekend', 2)[8]).toBeCloseTo(0.5);
    expect(counts.perHour('weekend', 0)[8]).toBe(0);
  });
});

describe('quantile', () => {
  it('is a value of the list, and 0 of none', () => {
    expect(quantile([5, 1, 3], 0.5)).toBe(3);
    expect(quantile([1, 2], 1)).toBe(2);
    expect(quantile([], 0.5)).toBe(0);
  });
});

describe('device tally', () => {
  it('counts per device and day, and leaves the directory out', () => {
    const tally = new DeviceTally();
    const pump = (uid: string) => ({ device: { uid, type: 'infusion-pump' } });
    tally.take(event('device.telemetry-reported', pump('pump-1')));
    tally.take(event('device.telemetry-reported', pump('pump-2')));
    tally.take(
      event('device.network-flow-observed', { ...pump('pump-1'), traffic: { bytes_in: 100, bytes_out: 300 } }),
    );
    tally.take(event('roster.device-assigned', pump('pump-3')));
    expect(tally.classes(2)).toEqual([
      {
        type: 'infusion-pump',
        devices: 2,
        eventsPerDay: 0.75,
        telemetryPerDay: 0.5,
        flowsPerDay: 0.25,
        bytesPerDay: 100,
        bytesPerFlow: [400, 400, 400],
      },
    ]);
  });
});

describe('people tally', () => {
  it('ends a duty after a break of six hours', () => {
    const tally = new PeopleTally();
    for (const hours of [7, 9, 14, 31]) tally.take(read('p-1', 'pt-1', hours));
    tally.take(read('p-1', 'pt-2', 31.5, false));
    expect(tally.roles()).toEqual([{ role: 'nurse', people: 1, duties: 2, reads: [3, 2, 3], patients: [1.5, 1, 2] }]);
    expect(tally.outsideCarePart()).toBeCloseTo(0.2);
  });

  it('counts sign-ins of staff to the record alone', () => {
    const tally = new PeopleTally();
    const seat = { user: { uid: 'p-1', role: 'nurse' }, service: { name: 'ehr' } };
    tally.take(event('access.signed-in', seat));
    tally.take(event('access.sign-in-failed', { ...seat, user: { uid: 'p-1' } }));
    tally.take(event('access.sign-in-failed', { ...seat, user: { uid: 'svc-backup' } }));
    tally.take(event('access.signed-in', { ...seat, service: { name: 'exchange-portal' } }));
    expect([tally.signInsPerWeek(7), tally.failedPart()]).toEqual([1, 0.5]);
  });
});

describe('relation tally', () => {
  it('tells co-workers, households, streets, own and watched records apart', () => {
    const tally = new RelationTally();
    const resident = (patient: string, address: string) => ({
      patient_uid: patient,
      street: 'Mill Lane',
      address: `Mill Lane ${address}`,
    });
    tally.take(event('roster.person-assigned', { user: { uid: 'p-1' }, resident: resident('pt-1', '1') }));
    tally.take(event('roster.person-assigned', { user: { uid: 'p-2' }, resident: resident('pt-2', '2') }));
    tally.take(
      event('care.patient-admitted', { patient: { uid: 'pt-3', street: 'Mill Lane', address: 'Mill Lane 1' } }),
    );
    tally.take(event('watchlist.entry-added', { list: 'vip', patient: { uid: 'pt-3' } }));
    for (const patient of ['pt-1', 'pt-2', 'pt-3', 'pt-4']) tally.take(read('p-1', patient, 9, patient !== 'pt-3'));
    const reads = { all: 250_000, outsideCare: 0 };
    expect(Object.fromEntries(tally.perMillion())).toEqual({
      'own record': reads,
      'co-worker': reads,
      'person on a watch list': { all: 250_000, outsideCare: 250_000 },
      'same household': { all: 250_000, outsideCare: 250_000 },
      'same street': reads,
    });
  });
});
