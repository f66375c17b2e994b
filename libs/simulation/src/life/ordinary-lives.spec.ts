import { EventValidator, eventRegistry, formatRfc3339 } from '@protego/contracts';
import type { EventDraft } from '../draft';
import { DAY_MS, HOUR_MS } from '../durations';
import { buildHospital } from '../hospital/build-hospital';
import type { Hospital } from '../hospital/model';
import { SeededRandom } from '../random';
import { parseSettings } from '../settings';
import { consultsIn } from './consults';
import { DIRECTORY_LIFE } from './directory-life';
import { SLICE_MS, type Life } from './life';
import { NETWORK_LIFE } from './network-life';
import { PRESENCE_LIFE } from './presence-life';
import { TELEMETRY_LIFE } from './telemetry-life';

const START = Date.UTC(2026, 2, 2, 7);
const SLICES_PER_DAY = DAY_MS / SLICE_MS;
const LIVES = [DIRECTORY_LIFE, NETWORK_LIFE, PRESENCE_LIFE, TELEMETRY_LIFE];

function hospitalOf(written: Record<string, string> = {}, scenario = 'general', seed = 3): Hospital {
  return buildHospital({
    seed,
    settings: parseSettings(written, scenario),
    startMs: START,
    endMs: START + 14 * DAY_MS,
  });
}

function sliceOf(hospital: Hospital, life: Life, slice: number): EventDraft[] {
  const { seed, settings } = hospital;
  const startMs = START + slice * SLICE_MS;
  const random = SeededRandom.ofStream(seed, `${life.name}/${slice}`);
  return life.drafts({ hospital, settings, seed, startMs, endMs: startMs + SLICE_MS, beginMs: START, random });
}

function draftsOf(hospital: Hospital, life: Life, fromSlice: number, toSlice: number): EventDraft[] {
  const slices = Array.from({ length: toSlice - fromSlice }, (_, index) => fromSlice + index);
  return slices.flatMap((slice) => sliceOf(hospital, life, slice));
}

type Data = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>;
const dataOf = (draft: EventDraft): Data => draft.data as Data;

describe.each(LIVES)('$name', (life) => {
  const hospital = hospitalOf();

  it('makes a slice alone as it makes it in sequence', () => {
    const sequence = Array.from({ length: 40 }, (_, slice) => sliceOf(hospital, life, slice));
    const fresh = hospitalOf();
    for (const slice of [39, 7, 0, 23]) expect(sliceOf(fresh, life, slice)).toEqual(sequence[slice]);
  });

  it('makes drafts in their slices that the registry accepts', () => {
    const validator = new EventValidator(eventRegistry);
    for (const slice of [0, 100, 211]) {
      const startMs = START + slice * SLICE_MS;
      for (const { timeMs, source, type, subject, data } of sliceOf(hospital, life, slice)) {
        expect(timeMs >= startMs && timeMs < startMs + SLICE_MS).toBe(true);
        const time = formatRfc3339(timeMs);
        const event = { specversion: '1.0', id: 'x', source, type, subject, time, site: 'house', data } as const;
        expect(() => validator.check(event)).not.toThrow();
      }
    }
  });
});

describe('ordinary life of devices', () => {
  it.each(['general', 'pocket-ehr', 'food-coach'])('leaves room for all other life in %s', (scenario) => {
    const hospital = hospitalOf({}, scenario);
    const wards = hospital.wards.filter(({ bedCount }) => bedCount > 0).length;
    // Every fourth slice of the second day.
    let count = 0;
    for (let slice = SLICES_PER_DAY; slice < 2 * SLICES_PER_DAY; slice += 4) {
      for (const life of LIVES) count += sliceOf(hospital, life, slice).length;
    }
    expect((count * 4) / wards).toBeGreaterThan(2_000);
    expect((count * 4) / wards).toBeLessThan(5_000);
  });

  it('is quiet at night', () => {
    const hospital = hospitalOf();
    const flowsAt = (hours: number): number =>
      draftsOf(hospital, NETWORK_LIFE, hours * 12, hours * 12 + 12).filter(({ data }) => {
        const { type } = (data as { device?: { type?: string } }).device ?? {};
        return type === 'workstation' || type === 'tablet';
      }).length;
    expect(flowsAt(3)).toBeGreaterThan(4 * flowsAt(20));
  });

  it('follows its rates', () => {
    const usual = draftsOf(hospitalOf(), TELEMETRY_LIFE, 0, 24).length;
    const twice = draftsOf(hospitalOf({ eventRateFactor: '2' }), TELEMETRY_LIFE, 0, 24).length;
    expect(twice / usual).toBeCloseTo(2, 0);
    expect(draftsOf(hospitalOf({ 'rates.telemetry': '0' }), TELEMETRY_LIFE, 0, 24)).toEqual([]);
    const flows = draftsOf(hospitalOf({ 'rates.flows': '0' }), NETWORK_LIFE, 0, 24);
    expect(flows).toEqual([]);
  });

  it('keeps medical devices to the same few peers', () => {
    const hospital = hospitalOf();
    const peers = new Map<string, Set<string>>();
    for (const draft of draftsOf(hospital, NETWORK_LIFE, 0, SLICES_PER_DAY)) {
      const { device, dst_endpoint: to } = dataOf(draft);
      const type = String(device?.['type']);
      peers.set(type, (peers.get(type) ?? new Set()).add(`${String(to?.['ip'])}:${String(to?.['port'])}`));
    }
    expect(peers.get('infusion-pump')?.size).toBeLessThanOrEqual(4);
    expect(peers.get('ventilator')?.size).toBeLessThanOrEqual(2);
    expect(peers.get('imaging')?.size).toBeLessThanOrEqual(8);
    expect(peers.get('workstation')?.size).toBeGreaterThan(200);
  });

  it('numbers the reports of a device without a gap, with another digest for other readings', () => {
    const hospital = hospitalOf();
    const [monitor] = hospital.devicesOf('patient-monitor');
    const reports = draftsOf(hospital, TELEMETRY_LIFE, 0, SLICES_PER_DAY)
      .filter(({ subject }) => subject === monitor?.view.uid)
      .sort((a, b) => a.timeMs - b.timeMs)
      .map(({ data }) => data as { sequence: number; digest?: string; readings?: Record<string, number> });
    expect(reports.length).toBeGreaterThanOrEqual(31);
    reports.forEach(({ sequence }, index) => expect(sequence).toBe((reports[0]?.sequence as number) + index));
    const digests = reports.map(({ digest }) => digest).filter((digest) => digest !== undefined);
    expect(new Set(digests).size).toBe(digests.length);
    for (const { readings } of reports) {
      if (readings === undefined) continue;
      expect(readings['heart_rate']).toBeGreaterThan(40);
      expect(readings['heart_rate']).toBeLessThan(130);
      expect(readings['spo2']).toBeLessThanOrEqual(100);
      expect(readings['systolic']).toBeGreaterThan(readings['diastolic'] as number);
    }
  });

  it('lets phones of staff come and go with their owners', () => {
    const hospital = hospitalOf({}, 'pocket-ehr');
    const drafts = draftsOf(hospital, PRESENCE_LIFE, 0, SLICES_PER_DAY);
    const comings = drafts.filter(({ type, subject }) => type === 'device.joined' && subject?.startsWith('phone-'));
    expect(comings.length).toBeGreaterThan(15);
    for (const { timeMs, data } of comings) {
      const owner = hospital.personOf((data as { device: { owner: string } }).device.owner);
      expect(hospital.dutyOf(owner as never, timeMs + 15 * 60_000)?.isOnCall).toBe(false);
    }
  });
});

describe('the directory', () => {
  const hospital = hospitalOf();
  const days = 4;
  const drafts = draftsOf(hospital, DIRECTORY_LIFE, 0, days * SLICES_PER_DAY).sort((a, b) => a.timeMs - b.timeMs);
  const of = (type: string): EventDraft[] => drafts.filter((draft) => draft.type === type);

  it('says at once who and what there is', () => {
    expect(of('roster.person-assigned')).toHaveLength(hospital.people.length);
    expect(of('roster.device-assigned')).toHaveLength(hospital.devices.length);
    expect(of('roster.partner-agreed')).toHaveLength(hospital.partners.length);
    expect(
      of('watchlist.entry-added')
        .map(({ data }) => (data['patient'] as { uid: string }).uid)
        .sort(),
    ).toEqual([...hospital.vips].sort());
    for (const { timeMs } of of('roster.person-assigned')) expect(timeMs - START).toBeLessThan(4_000);
  });

  it('announces each duty once, before it begins', () => {
    const announced = of('roster.shift-assigned').map(({ timeMs, data }) => {
      const { user, start } = data as { user: { uid: string }; start: string };
      expect(timeMs < Date.parse(start) || timeMs - START < 4_000).toBe(true);
      return `${user.uid}/${start}`;
    });
    const expected = hospital
      .dutiesBeginning(START - DAY_MS, START + days * DAY_MS)
      .filter(({ endMs }) => endMs > START)
      .map(({ person, startMs }) => `${person.user.uid}/${formatRfc3339(startMs)}`);
    expect(new Set(announced).size).toBe(announced.length);
    expect(expected.filter((duty) => !announced.includes(duty))).toEqual([]);
  });

  it('knows at every time who lies where', () => {
    const wards = new Map<string, string>();
    let next = 0;
    for (let timeMs = START + HOUR_MS; timeMs < START + days * DAY_MS; timeMs += 5 * HOUR_MS) {
      for (; (drafts[next]?.timeMs ?? Number.POSITIVE_INFINITY) <= timeMs; next++) {
        const { type, data } = drafts[next] as EventDraft;
        const { uid, ward } = (data as { patient?: { uid: string; ward: string } }).patient ?? {};
        if (uid === undefined || ward === undefined) continue;
        if (type === 'care.patient-admitted' || type === 'care.patient-transferred') wards.set(uid, ward);
        if (type === 'care.patient-discharged') wards.delete(uid);
      }
      const inpatients = new Map(hospital.inpatients(timeMs).map(({ patient, ward }) => [patient.patientUid, ward]));
      expect(wards).toEqual(inpatients);
    }
  });

  it('starts and ends each consult', () => {
    const consults = consultsIn(hospital, START, START + days * DAY_MS);
    expect(consults.length).toBeGreaterThan(5);
    for (const { person, stay, startMs, endMs } of consults) {
      expect(person.user.ward).not.toBe(stay.ward);
      expect(startMs >= stay.startMs && endMs <= stay.endMs && startMs < endMs).toBe(true);
    }
    const started = of('care.relationship-started').length;
    expect(Math.abs(started - of('care.relationship-ended').length)).toBeLessThan(25);
  });
});
