import { EventValidator, eventRegistry, formatRfc3339 } from '@protego/contracts';
import type { EventDraft } from '../draft';
import { DAY_MS, HOUR_MS } from '../durations';
import { buildHospital } from '../hospital/build-hospital';
import type { Hospital } from '../hospital/model';
import { SeededRandom } from '../random';
import { parseSettings } from '../settings';
import { ACCOUNT_LIFE } from './account-life';
import { BADGE_LIFE } from './badge-life';
import { SLICE_MS, type Life, type StaffSession } from './life';
import { lostSpans } from './lost-devices';
import { sessionsIn } from './session-life';
import { SIGN_IN_LIFE } from './sign-in-life';
import { typingOf } from './typing';

const START = Date.UTC(2026, 2, 2, 7);
const MINUTE_MS = 60_000;
const LIVES = [ACCOUNT_LIFE, BADGE_LIFE, SIGN_IN_LIFE];

function hospitalOf(written: Record<string, string> = {}, scenario = 'general', seed = 3): Hospital {
  const settings = parseSettings(written, scenario);
  return buildHospital({ seed, settings, startMs: START, endMs: START + 14 * DAY_MS });
}

function draftsOf(hospital: Hospital, life: Life, startMs: number, endMs: number): EventDraft[] {
  const { seed, settings } = hospital;
  const random = SeededRandom.ofStream(seed, `${life.name}/${startMs}`);
  return life.drafts({ hospital, settings, seed, startMs, endMs, beginMs: START, random });
}

function sessionsOf(hospital: Hospital, startMs: number, endMs: number): StaffSession[] {
  return [...sessionsIn(hospital, hospital.settings, hospital.seed, startMs, endMs)];
}

const textsOf = (items: readonly object[]): string[] => items.map((item) => JSON.stringify(item)).sort();

describe('sessionsIn', () => {
  const hospital = hospitalOf({}, 'pocket-ehr');
  const day = sessionsOf(hospital, START, START + DAY_MS);

  it('gives the same sessions by slices, in any order, and as a whole', () => {
    const starts = Array.from({ length: 24 }, (_, index) => START + index * HOUR_MS);
    const fresh = hospitalOf({}, 'pocket-ehr');
    const parts = starts.toReversed().flatMap((startMs) => sessionsOf(fresh, startMs, startMs + HOUR_MS));
    expect(new Set(textsOf(parts))).toEqual(new Set(textsOf(day)));
    for (const { startMs, endMs } of sessionsOf(hospital, START + 90, START + 91)) {
      expect(startMs < START + 91 && endMs > START + 90).toBe(true);
    }
  });

  it('has nobody at two seats, and minutes between two sessions of a person', () => {
    const lastEnd = new Map<string, number>();
    for (const { person, startMs, endMs } of day.toSorted((a, b) => a.startMs - b.startMs)) {
      expect(endMs).toBeGreaterThan(startMs);
      expect(startMs - (lastEnd.get(person.user.uid) ?? 0)).toBeGreaterThanOrEqual(2 * MINUTE_MS);
      lastEnd.set(person.user.uid, endMs);
    }
  });

  it('lies in duties, on devices of the ward of the duty or the own phone', () => {
    for (const { person, device, startMs, endMs, isRemote } of day) {
      const duty = hospital.dutyOf(person, startMs);
      expect(duty && endMs <= duty.endMs).toBe(true);
      const isOwn = device.uid === person.phone?.view.uid;
      expect(isRemote || isOwn || device.ward === duty?.ward).toBe(true);
    }
  });

  it('comes in through the gateway or on the own phone from homes', () => {
    const remote = day.filter(({ isRemote }) => isRemote);
    expect(new Set(remote.map(({ device }) => device.type))).toEqual(new Set(['gateway', 'phone']));
    for (const { from, person } of remote) expect(from).toMatchObject({ ip: person.homeAddress, zone: 'internet' });
    const inside = day.filter(({ isRemote, from }) => !isRemote && from.zone === 'internet');
    expect(inside).toEqual([]);
    expect(new Set(day.map(({ device }) => device.type))).toEqual(
      new Set(['gateway', 'phone', 'tablet', 'workstation']),
    );
  });

  it('leaves a tablet alone while it is missing', () => {
    const { settings, seed } = hospital;
    const missing = lostSpans({ hospital, settings, seed }, START, START + 14 * DAY_MS);
    expect(missing.length).toBeGreaterThan(2);
    for (const { device, startMs, endMs } of missing) {
      const used = sessionsOf(hospital, startMs, endMs).filter((session) => session.device.uid === device.view.uid);
      expect(used).toEqual([]);
    }
  });

  it('has more sessions where people sign in more often', () => {
    const busy = hospitalOf({ 'rates.sign-ins': '1.5' });
    const calm = hospitalOf({ 'rates.sign-ins': '0.5' });
    const countOf = (house: Hospital): number => sessionsOf(house, START, START + DAY_MS).length;
    expect(countOf(busy)).toBeGreaterThan(1.15 * countOf(calm));
  });
});

describe.each(LIVES)('$name', (life) => {
  const hospital = hospitalOf();

  it('makes the same drafts slice by slice as in one stretch', () => {
    const endMs = START + 6 * HOUR_MS;
    const fresh = hospitalOf();
    const parts: EventDraft[] = [];
    for (let startMs = endMs - SLICE_MS; startMs >= START; startMs -= SLICE_MS) {
      const drafts = draftsOf(fresh, life, startMs, startMs + SLICE_MS);
      expect(drafts.every(({ timeMs }) => timeMs >= startMs && timeMs < startMs + SLICE_MS)).toBe(true);
      parts.push(...drafts);
    }
    expect(textsOf(parts)).toEqual(textsOf(draftsOf(hospital, life, START, endMs)));
  });

  it('makes drafts that the registry accepts', () => {
    const validator = new EventValidator(eventRegistry);
    for (const { timeMs, source, type, subject, data } of draftsOf(hospital, life, START, START + DAY_MS)) {
      const time = formatRfc3339(timeMs);
      const event = { specversion: '1.0', id: 'x', source, type, subject, time, site: 'house', data } as const;
      expect(() => validator.check(event)).not.toThrow();
    }
  });
});

describe('a day of sign-ins', () => {
  const hospital = hospitalOf();
  const drafts = LIVES.flatMap((life) => draftsOf(hospital, life, START, START + DAY_MS));
  const ofType = (type: string): EventDraft[] => drafts.filter((draft) => draft.type === type);
  const wardCount = hospital.wards.filter(({ bedCount }) => bedCount > 0).length;

  it('makes some 1,200 events a ward, as many sign-ins as ends', () => {
    expect(drafts.length / wardCount).toBeGreaterThan(900);
    expect(drafts.length / wardCount).toBeLessThan(1600);
    const signIns = ofType('access.signed-in').filter(({ data }) => !JSON.stringify(data).includes('service-account'));
    expect(Math.abs(signIns.length / ofType('access.session-ended').length - 1)).toBeLessThan(0.05);
  });

  it('has about eight refused in a hundred, and says of them only what was typed', () => {
    const failed = ofType('access.sign-in-failed');
    const share = failed.length / ofType('access.signed-in').length;
    expect(share).toBeGreaterThan(0.06);
    expect(share).toBeLessThan(0.13);
    for (const { data } of failed) expect(Object.keys(data['user'] as object)).toEqual(['uid']);
    expect(new Set(failed.map(({ data }) => data['status_detail']))).toContain('unknown account');
  });

  it('asks for second factors from away, and most are approved', () => {
    const asked = ofType('access.mfa-challenged');
    const approved = asked.filter(({ data }) => data['outcome'] === 'approved');
    expect(approved.length / asked.length).toBeGreaterThan(0.85);
    expect(approved.length).toBeLessThan(asked.length);
  });
});

describe('typingOf', () => {
  it('is near to itself for one person and differs between people', () => {
    const flights = (uid: string): number[] =>
      Array.from({ length: 20 }, (_, key) => typingOf(uid, START + key * DAY_MS, key * 7919).flightMs);
    const [one, other] = [flights('p-00001'), flights('p-00002')];
    expect(Math.max(...one) / Math.min(...one)).toBeLessThan(1.2);
    const middle = (values: readonly number[]): number => values.toSorted((a, b) => a - b)[10] as number;
    expect(middle(one)).not.toBeCloseTo(middle(other), 0);
  });
});
