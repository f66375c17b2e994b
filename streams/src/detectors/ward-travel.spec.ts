import type { LoggedEvent } from '@protego/contracts';
import { START_MS, describeDetector, foundBy, historyElements, loggedEvent, resultsOfDetector } from '../testing';
import { WARD_TRAVEL } from './ward-travel';

let nextSeq = 0;
function event(type: string, afterMs: number, data: Record<string, unknown>): LoggedEvent {
  const seq = nextSeq++;
  return loggedEvent({ id: `e${seq}`, timeMs: START_MS + afterMs, seq, type, data: data as never });
}
const seat = (ward: string, parts: Record<string, unknown> = {}) => ({
  uid: `ws-${ward}`,
  type: 'workstation',
  ward,
  ...parts,
});
const signIn = (afterMs: number, device: unknown, uid = 'anna.lind') =>
  event('access.signed-in', afterMs, { user: { uid }, device });
const read = (afterMs: number, device: unknown, uid = 'anna.lind') =>
  event('access.record-read', afterMs, { actor: { user: { uid } }, device, patient: { uid: 'p' } });
const found = (history: readonly LoggedEvent[]) => foundBy(WARD_TRAVEL, history);

describe('ward-travel', () => {
  beforeEach(() => {
    nextSeq = 0;
  });

  describeDetector({
    detector: WARD_TRAVEL,
    history: [signIn(0, seat('a')), read(59_000, seat('b'))],
    foundCount: 1,
    name: 'anna.lind',
  });

  it('tells of work in two wards within less than a minute', () => {
    const [result] = found([signIn(0, seat('a')), read(59_999, seat('b'))]);
    expect(result?.detection).toMatchObject({
      eventCount: 2,
      entities: [
        { kind: 'person', id: 'anna.lind' },
        { kind: 'device', id: 'ws-b' },
        { kind: 'device', id: 'ws-a' },
      ],
      why: 'anna.lind worked on ws-b in b and 1 minute before on ws-a in a. Nobody is in two wards at once: a colleague may be using the account, or a stranger with the password who reads about your patients.',
    });
    expect(found([signIn(0, seat('a')), read(60_000, seat('b'))])).toEqual([]);
  });

  it('says nothing of one ward, of one device, and of two people', () => {
    expect(found([signIn(0, seat('a')), read(1, { uid: 'ws-2', ward: 'a' })])).toEqual([]);
    expect(found([signIn(0, seat('a')), read(1, seat('b', { uid: 'ws-a' }))])).toEqual([]);
    expect(found([signIn(0, seat('a')), read(1, seat('b'), 'ben')])).toEqual([]);
  });

  it.each(['tablet', 'Phone', 'laptop', 'gateway'])(
    'says nothing of a %s, which is carried or reached from elsewhere',
    (type) => {
      expect(found([signIn(0, seat('a')), read(1, seat('b', { type }))])).toEqual([]);
      const joined = event('device.joined', 0, { device: seat('b', { type }) });
      expect(found([joined, signIn(1, seat('a')), read(2, { uid: 'ws-b' })])).toEqual([]);
    },
  );

  it('knows where a device stands from events about it', () => {
    const assigned = event('roster.device-assigned', 0, { device: seat('b') });
    expect(found([assigned, signIn(1, seat('a')), read(2, { uid: 'ws-b' })])).toHaveLength(1);
    expect(found([signIn(1, seat('a')), read(2, { uid: 'ws-b' })])).toEqual([]);
  });

  it('tells of a person once an hour', () => {
    const work = (afterMs: number) => [signIn(afterMs, seat('a')), read(afterMs + 1_000, seat('b'))];
    expect(found([...work(0), ...work(3_599_999)])).toHaveLength(1);
    expect(found([...work(0), ...work(3_600_000)])).toHaveLength(2);
  });

  it('looks at the place before, not at all places of the last minute', () => {
    const there = [signIn(0, seat('a')), read(50_000, seat('a')), read(111_000, seat('b'))];
    expect(found(there)).toEqual([]);
  });

  it('goes by who signed in, not by the service that says so', () => {
    const byService = (afterMs: number, uid: string, ward: string) =>
      event('access.signed-in', afterMs, { user: { uid }, actor: { user: { uid: 'svc-idp' } }, device: seat(ward) });
    expect(found([byService(0, 'anna', 'a'), byService(1_000, 'ben', 'b')])).toEqual([]);
    expect(found([byService(0, 'anna', 'a'), byService(1_000, 'anna', 'b')])).toHaveLength(1);
  });

  it.each([5, null, {}, ['x'], true, undefined])('leaves out a person called %j', (uid) => {
    const odd = (afterMs: number, ward: string) => [
      event('access.signed-in', afterMs, { user: { uid }, actor: { user: { uid } }, device: seat(ward) }),
      event('access.record-read', afterMs, { actor: { user: { uid } }, device: seat(ward), patient: { uid: 'p' } }),
    ];
    expect(resultsOfDetector(WARD_TRAVEL, historyElements([...odd(0, 'a'), ...odd(1_000, 'b')]))).toEqual([]);
  });

  it('decides by wards as they stand, whoever is named in the event', () => {
    const pseudonyms = new Map([['anna', '~s.AAAAAAAAAAAAAAAAAAAAAA']]);
    const assigned = event('roster.device-assigned', 0, { device: seat('St. Anna', { uid: 'ws-2' }) });
    const work = [signIn(1, seat('St. Anna'), 'anna'), read(2, { uid: 'ws-2' }, 'anna')];
    expect(found([assigned, ...work.map((each) => ({ ...each, pseudonyms }))])).toEqual([]);
  });
});
