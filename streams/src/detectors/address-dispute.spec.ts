import type { LoggedEvent } from '@protego/contracts';
import { START_MS, describeDetector, foundBy, loggedEvent } from '../testing';
import { ADDRESS_DISPUTE } from './address-dispute';

const MINUTE_MS = 60_000;

interface Claim {
  readonly ip?: string;
  readonly mac?: string;
  readonly network?: string;
  readonly device?: string;
}

let nextSeq = 0;
function claim(
  minute: number,
  { ip = '10.20.0.31', mac = 'A', network = 'surgery-wired', device = 'm-1' }: Claim = {},
) {
  const data = { device: { uid: device }, ip, mac, network };
  const timeMs = START_MS + minute * MINUTE_MS;
  const seq = nextSeq++;
  return loggedEvent({ id: `c-${seq}`, timeMs, seq, type: 'device.address-claimed', source: 'network-monitor', data });
}
/** Claims a minute apart. */
const inTurn = (holders: string, everyMinutes = 1, parts: Claim = {}): LoggedEvent[] =>
  [...holders].map((mac, index) => claim(index * everyMinutes, { ...parts, mac }));
const found = (history: readonly LoggedEvent[]) => foundBy(ADDRESS_DISPUTE, history);

describe('address-dispute', () => {
  beforeEach(() => {
    nextSeq = 0;
  });

  describeDetector({ detector: ADDRESS_DISPUTE, history: inTurn('ABABAB'), foundCount: 1 });

  it('tells of an address that goes to and fro four times, not three', () => {
    expect(found(inTurn('ABAB'))).toEqual([]);
    const [result, ...more] = found(inTurn('ABABA'));
    expect(more).toEqual([]);
    expect(result?.detection).toMatchObject({
      eventCount: 4,
      entities: [
        { kind: 'address', id: '10.20.0.31' },
        { kind: 'device', id: 'm-1' },
      ],
      certainAt: '2026-03-02T07:04:00.000Z',
    });
    expect(result?.detection.why).toContain('went to and fro between a and b 4 times within 3 minutes');
  });

  it('takes a card that is heard in two parts of the network in turn as a dispute too', () => {
    const places = ['surgery-wired', 'radiology-wired'];
    const history = Array.from({ length: 5 }, (_, n) => claim(n, { network: places[n % 2] }));
    const [result] = found(history);
    expect(result?.detection.entities[0]).toEqual({ kind: 'address', id: 'a' });
    expect(found(history.slice(0, 4))).toEqual([]);
  });

  it('leaves a device alone that is replaced, and gateways that take turns', () => {
    expect(found(inTurn('AAAABBBBBB'))).toEqual([]);
    expect(found(inTurn('AABBBAAAABBAAA', 20))).toEqual([]);
  });

  it('keeps addresses apart, and forgets what was half an hour ago', () => {
    const two = ['10.20.0.31', '10.20.0.32'].flatMap((ip) => inTurn('ABAB', 1, { ip }));
    expect(found(two.toSorted((a, b) => a.timeMs - b.timeMs))).toEqual([]);
    expect(found(inTurn('ABABABAB', 10))).toEqual([]);
    expect(found(inTurn('ABABABAB', 7))).toHaveLength(1);
  });

  it('takes a dispute that goes on as one, and one after a rest of two hours as another', () => {
    const long = inTurn('AB'.repeat(300));
    expect(found(long)).toHaveLength(1);
    const again = inTurn('ABABAB').concat([...'ABABAB'].map((mac, n) => claim(130 + n, { mac })));
    expect(found(again)).toHaveLength(2);
  });

  it('reads claims without a network or a device', () => {
    const bare = inTurn('ABABA').map((each) => {
      const { ip, mac } = each.event.data as Record<string, string>;
      return { ...each, event: { ...each.event, data: { ip: ip as string, mac: mac as string } } };
    });
    expect(found(bare)[0]?.detection.why).toContain('a device that nobody knows');
  });
});
