import type { LoggedEvent } from '@protego/contracts';
import { START_MS, describeDetector, foundBy, loggedEvent } from '../testing';
import { RECORD_ACCESS_DEVIATION } from './record-access-deviation';

const SHIFT_MS = 8 * 3_600_000;
const DAY_MS = 3 * SHIFT_MS;
const FIRST_SHIFT_MS = Math.ceil(START_MS / SHIFT_MS) * SHIFT_MS;
let nextSeq = 0;

interface Reader {
  readonly role?: string | undefined;
  readonly ward?: string | undefined;
}

/** One person's reads of so many patients in the shift of a day. */
function reads(
  uid: string,
  shift: number,
  patients: number,
  { role = 'nurse', ward = 'a' }: Reader = {},
): LoggedEvent[] {
  const user = { uid, role, ward };
  return Array.from({ length: patients }, (_, n) => {
    const timeMs = FIRST_SHIFT_MS + shift * DAY_MS + n * 1_000;
    const data = { actor: { user }, patient: { uid: `p${n}` } };
    return loggedEvent({ id: `${uid}-${shift}-${n}`, timeMs, seq: nextSeq++, type: 'access.record-read', data });
  });
}
/** Five colleagues over some shifts, 6 to 14 patients each. */
const ward = (shifts: number, parts?: Reader): LoggedEvent[] =>
  Array.from({ length: shifts * 5 }, (_, n) => reads(`n${n % 5}`, Math.floor(n / 5), 6 + ((n * 5) % 9), parts)).flat();
const found = (history: readonly LoggedEvent[]) => foundBy(RECORD_ACCESS_DEVIATION, history);

describe('record-access-deviation', () => {
  beforeEach(() => {
    nextSeq = 0;
  });

  describeDetector({
    detector: RECORD_ACCESS_DEVIATION,
    history: [...ward(5), ...reads('anna.lind', 4, 60)],
    foundCount: 1,
    name: 'anna.lind',
  });

  it('tells of a person far beyond colleagues when the shift is over', () => {
    const [result, ...more] = found([...ward(5), ...reads('n9', 4, 60)]);
    expect(more).toEqual([]);
    expect(result?.detection).toMatchObject({
      eventCount: 60,
      entities: [{ kind: 'person', id: 'n9' }],
      why: 'n9 opened the records of 60 patients within 8 hours; colleagues of the same work and ward open about 10 at that time of day, the busiest 13. Every one of these patients has a right to know who reads about them.',
    });
  });

  it('counts a patient once', () => {
    expect(found([...ward(5), ...Array.from({ length: 10 }, () => reads('n9', 4, 12)).flat()])).toEqual([]);
  });

  it('finds nothing among colleagues, nor before it knows twenty of their shifts', () => {
    expect(found(ward(40))).toEqual([]);
    expect(found([...ward(3), ...reads('n9', 2, 60)])).toEqual([]);
  });

  it('compares within role and ward, and leaves out people without a role', () => {
    expect(found([...ward(5), ...reads('n9', 4, 60, { ward: 'b' })])).toEqual([]);
    expect(found([...ward(5), ...reads('n9', 4, 60, { role: 'physician' })])).toEqual([]);
    const strip = (each: LoggedEvent): LoggedEvent => ({
      ...each,
      event: { ...each.event, data: { actor: { user: { uid: 'n9' } }, patient: { uid: each.event.id } } },
    });
    expect(found([...ward(5), ...reads('n9', 4, 60)].map(strip))).toEqual([]);
  });

  it('needs twenty patients and six deviations', () => {
    const quiet = Array.from({ length: 25 }, (_, n) => reads(`n${n % 5}`, Math.floor(n / 5), 2)).flat();
    expect(found([...quiet, ...reads('n9', 4, 19)])).toEqual([]);
    expect(found([...quiet, ...reads('n9', 4, 20)])).toHaveLength(1);
    expect(found([...ward(5), ...reads('n9', 4, 20)])).toEqual([]);
  });

  it('compares with the same time of day, and with the busiest there', () => {
    const nights = ward(5).map((each) => ({ ...each, timeMs: each.timeMs + SHIFT_MS }));
    expect(found([...nights, ...reads('n9', 4, 60)])).toEqual([]);
    const mixed = Array.from({ length: 25 }, (_, n) =>
      reads(`n${n % 5}`, Math.floor(n / 5), n % 8 === 0 ? 30 : 2),
    ).flat();
    expect(found([...mixed, ...reads('n9', 4, 44)])).toEqual([]);
    expect(found([...mixed, ...reads('n9', 4, 45)])).toHaveLength(1);
  });

  it('leaves out rounds through the house and consults that are on record', () => {
    const round = (purpose: string, care_relationship: boolean): LoggedEvent[] =>
      reads('n9', 4, 60).map((each) => {
        const { data } = each.event;
        return { ...each, event: { ...each.event, data: { ...data, purpose, care_relationship } } };
      });
    expect(found([...ward(5), ...round('consult', true)])).toEqual([]);
    expect(found([...ward(5), ...round('consult', false)])).toHaveLength(1);
    expect(found([...ward(5), ...round('coding', false)])).toHaveLength(1);
    const coder = { role: 'clinical-coder' };
    const coding = reads('n9', 4, 60, coder).map((each) => {
      const { data } = each.event;
      return { ...each, event: { ...each.event, data: { ...data, purpose: 'coding' } } };
    });
    expect(found([...ward(5, coder), ...coding])).toEqual([]);
  });

  it('forgets shifts of more than two weeks ago', () => {
    const busy = Array.from({ length: 25 }, (_, n) => reads(`n${n % 5}`, Math.floor(n / 5), 60)).flat();
    const later = ward(30).filter(({ timeMs }) => timeMs >= FIRST_SHIFT_MS + 5 * DAY_MS);
    expect(found([...busy, ...later, ...reads('n9', 29, 60)])).toHaveLength(1);
  });

  it('names a thousand patients at most, and keeps what objects have of their own apart', () => {
    const odd = reads('__proto__', 4, 1_100);
    expect(found([...ward(5), ...odd])[0]?.detection).toMatchObject({ eventCount: 1_000 });
  });
});
