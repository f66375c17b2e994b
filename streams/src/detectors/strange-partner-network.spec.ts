import type { EventData, LoggedEvent } from '@protego/contracts';
import { START_MS, describeDetector, foundBy, loggedEvent } from '../testing';
import { STRANGE_PARTNER_NETWORK } from './strange-partner-network';

const HOUR_MS = 3_600_000;

interface Said {
  readonly hour: number;
  readonly type: string;
  readonly data: EventData;
}

function events(said: readonly Said[]): LoggedEvent[] {
  return said.map(({ hour, type, data }, index) =>
    loggedEvent({
      id: `e${index}`,
      seq: index,
      timeMs: START_MS + hour * HOUR_MS,
      type,
      data,
      source: 'exchange-portal',
    }),
  );
}
const found = (said: readonly Said[]) => foundBy(STRANGE_PARTNER_NETWORK, events(said));

const partner = { uid: 'gp-03' };
const OFFICE = '198.51.100.5';
const ELSEWHERE = '203.0.113.7';
const agreed = (hour: number, networks: readonly string[] = ['198.51.100.0/28', '2001:db8::/48']): Said => ({
  hour,
  type: 'roster.partner-agreed',
  data: { partner, agreement: 'ag-1', purposes: ['treatment'], networks: [...networks] },
});
const at = (ip: string): EventData => ({ src_endpoint: { ip, location: { country: 'FR' } } });
const signedIn = (hour: number, ip: string, mfa: boolean, uid = 'x-31'): Said => ({
  hour,
  type: 'access.signed-in',
  data: { user: { uid, role: 'partner-user' }, partner, mfa, ...at(ip) },
});
const requested = (hour: number, ip: string, uid = 'x-31', role = 'partner-user'): Said => ({
  hour,
  type: 'exchange.requested',
  data: { partner, actor: { user: { uid, role } }, patient: { uid: 'pt-1' }, ...at(ip) },
});

describe('strange-partner-network', () => {
  describeDetector({
    detector: STRANGE_PARTNER_NETWORK,
    history: events([agreed(0), signedIn(1, OFFICE, false), signedIn(2, ELSEWHERE, false), requested(30, ELSEWHERE)]),
    foundCount: 2,
    name: 'x-31',
  });

  it('tells who, from where, and doing what', () => {
    const [first] = found([agreed(0), signedIn(2, ELSEWHERE, false)]);
    expect(first?.detection.why).toBe(
      'The account x-31 of the partner gp-03 signed in from the address 203.0.113.7 (FR), which is in none of the networks that the agreement names, and no second proof of identity was asked for there. What it gets of your patients leaves the house.',
    );
    const [second] = found([agreed(0), requested(2, ELSEWHERE)]);
    expect(second?.detection.why).toContain('gp-03 asked for data from the address');
  });

  it('knows the partner’s networks, of both families', () => {
    for (const ip of [OFFICE, '198.51.100.0', '198.51.100.15', '2001:db8::17'])
      expect(found([agreed(0), signedIn(1, ip, false), requested(2, ip)])).toEqual([]);
    for (const ip of ['198.51.100.16', '2001:db9::1'])
      expect(found([agreed(0), signedIn(1, ip, false)])).toHaveLength(1);
  });

  it('lets a second factor vouch for the same account at the same address for 16 hours', () => {
    expect(found([agreed(0), signedIn(1, ELSEWHERE, true), requested(16.9, ELSEWHERE)])).toEqual([]);
    expect(found([agreed(0), signedIn(1, ELSEWHERE, true), requested(17, ELSEWHERE)])).toHaveLength(1);
    expect(found([agreed(0), signedIn(1, ELSEWHERE, true), requested(2, '203.0.113.8')])).toHaveLength(1);
    expect(found([agreed(0), signedIn(1, ELSEWHERE, true), requested(2, ELSEWHERE, 'x-32')])).toHaveLength(1);
  });

  it('learns of new networks, and of agreements that ended', () => {
    expect(found([agreed(0), agreed(1, ['203.0.113.0/24']), signedIn(2, ELSEWHERE, false)])).toEqual([]);
    expect(found([agreed(0), agreed(1, ['203.0.113.0/24']), signedIn(2, OFFICE, false)])).toHaveLength(1);
    const ended = (agreement?: string): Said => ({
      hour: 1,
      type: 'roster.partner-ended',
      data: { partner, ...(agreement === undefined ? {} : { agreement }) },
    });
    for (const end of [ended('ag-1'), ended()])
      expect(found([agreed(0), end, signedIn(2, ELSEWHERE, false)])).toEqual([]);
    expect(found([agreed(0), ended('ag-9'), signedIn(2, ELSEWHERE, false)])).toHaveLength(1);
  });

  it('tells of the same account at the same address once a day', () => {
    const hours = Array.from({ length: 30 }, (_, n) => requested(n + 1, ELSEWHERE));
    expect(found([agreed(0), ...hours])).toHaveLength(2);
    expect(found([agreed(0), requested(1, ELSEWHERE), requested(2, '203.0.113.8')])).toHaveLength(2);
  });

  it('judges neither partners of which no network is known, nor patients, nor staff', () => {
    expect(found([signedIn(1, ELSEWHERE, false)])).toEqual([]);
    expect(found([agreed(0, []), signedIn(1, ELSEWHERE, false)])).toEqual([]);
    expect(found([agreed(0, ['nonsense']), signedIn(1, ELSEWHERE, false)])).toEqual([]);
    expect(found([agreed(0), requested(1, ELSEWHERE, 'pa-1', 'patient')])).toEqual([]);
    const staff = { hour: 1, type: 'access.signed-in', data: { user: { uid: 'p-1' }, mfa: false, ...at(ELSEWHERE) } };
    expect(found([agreed(0), staff])).toEqual([]);
  });

  it('leaves out what has no address that can be read', () => {
    expect(found([agreed(0), requested(1, 'somewhere')])).toEqual([]);
    expect(
      found([agreed(0), { ...requested(1, ELSEWHERE), data: { partner, actor: { user: { uid: 'x-31' } } } }]),
    ).toEqual([]);
  });
});
