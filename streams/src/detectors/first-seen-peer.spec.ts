import type { LoggedEvent } from '@protego/contracts';
import { START_MS, describeDetector, foundBy, loggedEvent } from '../testing';
import { FIRST_SEEN_PEER } from './first-seen-peer';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
let nextSeq = 0;

function event(type: string, afterMs: number, data: Record<string, unknown>): LoggedEvent {
  const seq = nextSeq++;
  return loggedEvent({ id: `e${seq}`, timeMs: START_MS + afterMs, seq, type, source: 'network', data: data as never });
}
interface Flow {
  readonly uid?: string;
  readonly type?: string | undefined;
  readonly port?: number;
}
const flow = (afterMs: number, to: string, { uid = 'pump-1', type = 'infusion-pump', port = 8883 }: Flow = {}) =>
  event('device.network-flow-observed', afterMs, {
    device: { uid, type },
    src_endpoint: { ip: '10.0.0.1' },
    dst_endpoint: { ip: to, port },
  });
/** A week and a bit in which pumps talk to their server. */
const week = (): LoggedEvent[] => Array.from({ length: 8 * 4 }, (_, n) => flow(n * 6 * HOUR_MS, '10.0.1.1'));
const AFTER_MS = 8 * DAY_MS;
const found = (history: readonly LoggedEvent[]) => foundBy(FIRST_SEEN_PEER, history);

describe('first-seen-peer', () => {
  beforeEach(() => {
    nextSeq = 0;
  });

  describeDetector({
    detector: FIRST_SEEN_PEER,
    history: [...week(), flow(AFTER_MS, '10.0.9.9', { uid: 'pump-7', port: 445 })],
    foundCount: 1,
  });

  it('tells of the first connection of a class to a server, of whichever device, once', () => {
    const [result, ...more] = found([
      ...week(),
      flow(AFTER_MS, '10.0.9.9', { uid: 'pump-7', port: 445 }),
      flow(AFTER_MS + 1_000, '10.0.9.9', { uid: 'pump-8', port: 445 }),
    ]);
    expect(more).toEqual([]);
    expect(result?.detection).toMatchObject({
      entities: [
        { kind: 'device', id: 'pump-7' },
        { kind: 'address', id: '10.0.9.9' },
      ],
      why: expect.stringMatching(
        /^pump-7 connected to 10\.0\.9\.9 in a way that no device of its kind did in the 8 days /,
      ),
    });
  });

  it('tells of another service on a known server, not of another port chosen by chance', () => {
    expect(found([...week(), flow(AFTER_MS, '10.0.1.1', { port: 22 })])).toHaveLength(1);
    const chance = [flow(0, '10.0.1.1', { port: 60_000 }), ...week(), flow(AFTER_MS, '10.0.1.1', { port: 60_001 })];
    expect(found(chance)).toEqual([]);
  });

  it('watches a class for three days first', () => {
    expect(found([flow(0, '10.0.1.1'), flow(3 * DAY_MS - 1, '10.0.9.9')])).toEqual([]);
    expect(found([flow(0, '10.0.1.1'), flow(3 * DAY_MS, '10.0.9.9')])).toHaveLength(1);
  });

  it('does not judge a class that talks to whom it likes, until it has settled', () => {
    const roaming = Array.from({ length: 3 }, (_, n) => flow(6 * DAY_MS + n * 1_000, `10.0.5.${n}`));
    const history = [flow(0, '10.0.1.1'), ...roaming];
    expect(found([...history, flow(AFTER_MS, '10.0.9.9')]).map(({ seqs }) => seqs)).toHaveLength(3);
    expect(found([...history, flow(9 * DAY_MS, '10.0.9.9')])).toHaveLength(4);
  });

  it('takes the networks of the outside as one peer', () => {
    const outside = [flow(0, '203.0.113.1', { port: 443 }), ...week(), flow(AFTER_MS, '203.0.113.77', { port: 443 })];
    expect(found(outside)).toEqual([]);
    expect(found([...week(), flow(AFTER_MS, '2001:db8:1::1')])).toHaveLength(1);
  });

  it('tells again of a peer that was not seen for ninety days', () => {
    const often = Array.from({ length: 100 }, (_, n) => flow((n + 1) * DAY_MS, '10.0.1.1'));
    const history = [flow(0, '10.0.9.9'), ...often];
    expect(found([...history.slice(0, 90), flow(90 * DAY_MS - 1, '10.0.9.9')])).toEqual([]);
    expect(found([...history.slice(0, 90), flow(90 * DAY_MS, '10.0.9.9')])).toHaveLength(1);
  });

  it('knows the class of a device by its id or its address, from events about it', () => {
    const bare = (afterMs: number, to: string, device?: { uid: string }) =>
      event('device.network-flow-observed', afterMs, {
        ...(device && { device }),
        src_endpoint: { ip: '10.0.0.7' },
        dst_endpoint: { ip: to, port: 445 },
      });
    const joined = event('device.joined', 0, { device: { uid: 'pump-7', type: 'infusion-pump', ip: '10.0.0.7' } });
    expect(found([joined, ...week(), bare(AFTER_MS, '10.0.9.9')])).toHaveLength(1);
    expect(found([joined, ...week(), bare(AFTER_MS, '10.0.9.9', { uid: 'pump-7' })])).toHaveLength(1);
    expect(found([...week(), bare(AFTER_MS, '10.0.9.9', { uid: 'pump-7' })])).toEqual([]);
  });

  it('forgets what an address was when another device has it', () => {
    const device = (uid: string, type?: string) => ({ device: { uid, ip: '10.0.0.7', ...(type && { type }) } });
    const bare = event('device.network-flow-observed', AFTER_MS, {
      src_endpoint: { ip: '10.0.0.7' },
      dst_endpoint: { ip: '10.0.9.9', port: 445 },
    });
    const joined = [event('device.joined', 0, device('pump-7', 'infusion-pump')), ...week()];
    expect(found([...joined, bare])).toHaveLength(1);
    expect(found([...joined, event('device.joined', AFTER_MS - 1, device('visitor')), bare])).toEqual([]);
  });

  it('learns what a device meets while work on it is announced, and says nothing', () => {
    const work = event('device.maintenance-started', AFTER_MS - HOUR_MS, {
      device: { uid: 'pump-7' },
      ticket: 'CHG-1',
      planned_minutes: 120,
    });
    const meet = (uid: string, afterMs: number) => flow(afterMs, '10.0.9.9', { uid, port: 445 });
    expect(found([...week(), work, meet('pump-7', AFTER_MS), meet('pump-8', AFTER_MS + 1_000)])).toEqual([]);
    expect(found([...week(), work, meet('pump-8', AFTER_MS)])).toHaveLength(1);
  });
});
