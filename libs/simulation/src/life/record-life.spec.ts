import { EventValidator, eventRegistry, formatRfc3339 } from '@protego/contracts';
import type { EventDraft } from '../draft';
import { DAY_MS, HOUR_MS } from '../durations';
import { buildHospital } from '../hospital/build-hospital';
import type { Hospital } from '../hospital/model';
import { SeededRandom } from '../random';
import { parseSettings } from '../settings';
import { SLICE_MS, type Life } from './life';
import { RECORD_LIFE } from './record-life';
import { sessionsIn } from './session-life';
import { VISIT_LIFE } from './visit-life';

const START = Date.UTC(2026, 2, 2, 7);
const SLICES_PER_DAY = DAY_MS / SLICE_MS;

function hospitalOf(written: Record<string, string> = {}): Hospital {
  const settings = parseSettings({ wards: '3', ...written });
  return buildHospital({ seed: 5, settings, startMs: START, endMs: START + 7 * DAY_MS });
}

function sliceOf(hospital: Hospital, life: Life, slice: number): EventDraft[] {
  const { seed, settings } = hospital;
  const startMs = START + slice * SLICE_MS;
  const random = SeededRandom.ofStream(seed, `${life.name}/${slice}`);
  return life.drafts({ hospital, settings, seed, startMs, endMs: startMs + SLICE_MS, beginMs: START, random });
}

const dayOf = (hospital: Hospital, life: Life): EventDraft[] =>
  Array.from({ length: SLICES_PER_DAY }, (_, slice) => sliceOf(hospital, life, slice)).flat();

interface Access {
  readonly actor: { readonly user: { readonly uid: string; readonly role: string; readonly ward: string } };
  readonly patient: { readonly uid: string; readonly ward?: string };
  readonly session: { readonly uid: string };
  readonly purpose: string;
  readonly care_relationship: boolean;
}
const accessOf = ({ data }: EventDraft): Access => data as unknown as Access;
const isAccess = ({ type }: EventDraft): boolean => type.startsWith('access.record-');

describe.each([RECORD_LIFE, VISIT_LIFE])('life of $name', (life) => {
  const hospital = hospitalOf();

  it('makes a slice alone as it makes it in sequence', () => {
    const sequence = Array.from({ length: 30 }, (_, slice) => sliceOf(hospital, life, slice));
    const fresh = hospitalOf();
    for (const slice of [29, 3, 17]) expect(sliceOf(fresh, life, slice)).toEqual(sequence[slice]);
  });

  it('makes drafts in their slices that the registry accepts', () => {
    const validator = new EventValidator(eventRegistry);
    for (const slice of [0, 20, 60, 200]) {
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

describe('life of records', () => {
  const hospital = hospitalOf();
  const day = dayOf(hospital, RECORD_LIFE);
  const accesses = day.filter(isAccess);

  it('is as busy as wards are, most in the morning', () => {
    expect(day.length / 3).toBeGreaterThan(1_500);
    expect(day.length / 3).toBeLessThan(3_000);
    const countAt = (hour: number): number =>
      accesses.filter(({ timeMs }) => Math.floor(timeMs / HOUR_MS) % 24 === hour).length;
    expect(countAt(9)).toBeGreaterThan(4 * countAt(3));
  });

  it('happens in sessions of whoever is named', () => {
    const { settings, seed } = hospital;
    const sessions = new Map(
      sessionsIn(hospital, settings, seed, START, START + DAY_MS).map((session) => [session.uid, session]),
    );
    for (const draft of day) {
      const { session, actor } = accessOf(draft);
      const found = sessions.get(session.uid);
      expect(found?.person.user.uid).toBe(actor.user.uid);
      expect(draft.timeMs >= (found?.startMs ?? 0) && draft.timeMs < (found?.endMs ?? 0)).toBe(true);
    }
  });

  it('has about one access in a hundred without a care relationship or a task', () => {
    const strange = accesses
      .map(accessOf)
      .filter((access) => !access.care_relationship && access.purpose === 'treatment');
    expect(strange.length / accesses.length).toBeGreaterThan(0.004);
    expect(strange.length / accesses.length).toBeLessThan(0.02);
  });

  it('gives purposes to those whose task they are', () => {
    const rolesOf = (purpose: string): Set<string> =>
      new Set(
        accesses
          .map(accessOf)
          .filter((access) => access.purpose === purpose)
          .map(({ actor }) => actor.user.role),
      );
    expect([...rolesOf('coding')]).toEqual(['clinical-coder']);
    expect([...rolesOf('quality-review')]).toEqual(['quality-officer']);
    expect([...rolesOf('admission')]).toEqual(['admission-clerk']);
    expect([...rolesOf('medication-review')]).toEqual(['pharmacist']);
  });

  it('follows the rate that is set', () => {
    const countAt = (rate: string): number => {
      const other = hospitalOf({ 'rates.reads': rate });
      return Array.from({ length: 24 }, (_, slice) => sliceOf(other, RECORD_LIFE, slice)).flat().length;
    };
    const usual = countAt('1');
    expect(countAt('0')).toBe(0);
    expect(countAt('3') / usual).toBeGreaterThan(2.5);
    expect(countAt('3') / usual).toBeLessThan(3.5);
  });
});

describe('life of visits', () => {
  const hospital = hospitalOf();
  const drafts = Array.from({ length: 3 * SLICES_PER_DAY }, (_, slice) => sliceOf(hospital, VISIT_LIFE, slice)).flat();
  const of = (type: string): Set<unknown> =>
    new Set(drafts.filter((draft) => draft.type === type).map(({ data }) => (data['patient'] as { uid: string }).uid));

  it('lets those who came be treated, and go again', () => {
    const first = drafts.filter(({ timeMs }) => timeMs < START + 2 * DAY_MS && timeMs > START + 9 * HOUR_MS);
    const came = first.filter(({ type }) => type === 'care.patient-admitted');
    expect(came.length).toBeGreaterThan(30);
    for (const { data } of came) {
      const { uid } = data['patient'] as { uid: string };
      for (const type of ['care.relationship-started', 'care.relationship-ended', 'care.patient-discharged'])
        expect(of(type).has(uid)).toBe(true);
    }
  });
});
