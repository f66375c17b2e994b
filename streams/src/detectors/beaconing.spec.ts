import type { LoggedEvent } from '@protego/contracts';
import { START_MS, describeDetector, foundBy, loggedEvent } from '../testing';
import { BEACONING } from './beaconing';

interface Flow {
  readonly to?: string;
  readonly port?: number;
  readonly from?: string;
}

function flow(afterMs: number, { to = '203.0.113.9', port = 443, from = 'ws-1' }: Flow = {}): LoggedEvent {
  const data = { device: { uid: from }, src_endpoint: { ip: '10.0.0.1' }, dst_endpoint: { ip: to, port } };
  const [timeMs, type] = [START_MS + afterMs, 'device.network-flow-observed'];
  return loggedEvent({ id: `${from}-${to}-${port}-${afterMs}`, timeMs, seq: Math.floor(afterMs), type, data });
}

/** Contacts that follow each other at these intervals. */
function contacts(intervals: readonly number[], parts?: Flow): LoggedEvent[] {
  let afterMs = 0;
  return [flow(0, parts), ...intervals.map((interval) => flow((afterMs += interval), parts))];
}
const times = (count: number, intervalOf: (n: number) => number): number[] =>
  Array.from({ length: count }, (_, n) => intervalOf(n));
/** A fixed series that looks like chance, in [0, 1): the fractional parts of multiples of the golden ratio. */
const chance = (n: number): number => (n * 0.618_033_988_75) % 1;
const found = (history: readonly LoggedEvent[]) => foundBy(BEACONING, history);

describe('beaconing', () => {
  describeDetector({
    detector: BEACONING,
    history: contacts(
      times(24, (n) => Math.round(60_000 * (1 - 0.5 * chance(n)))),
      { from: 'anna-laptop' },
    ),
    foundCount: 1,
  });

  it('tells of 25 contacts at one interval, not of 24', () => {
    expect(found(contacts(times(23, () => 60_000)))).toEqual([]);
    const [result, ...more] = found(contacts(times(24, () => 60_000)));
    expect(more).toEqual([]);
    expect(result?.detection).toMatchObject({
      eventCount: 25,
      why: 'ws-1 reached 203.0.113.9 25 times, about every 1 minute, as a harmful program does that waits for orders. Hardly any other device here knows this place. Such a program can stay quiet for weeks and then stop the device or the computers of the ward.',
      certainAt: '2026-03-02T07:24:00.000Z',
    });
  });

  it('finds sleep times with half of their length as jitter, and a few that were missed', () => {
    const jittered = times(24, (n) => Math.round(3_600_000 * (1 - 0.5 * chance(n))));
    expect(found(contacts(jittered))).toHaveLength(1);
    const missed = times(24, (n) => (n % 12 === 5 ? 120_000 : 60_000));
    expect(found(contacts(missed))).toHaveLength(1);
    expect(found(contacts(times(24, (n) => (n % 8 === 5 ? 120_000 : 60_000))))).toEqual([]);
  });

  it('says nothing of contacts by chance, however many', () => {
    const exponential = times(2_000, (n) => Math.round(-60_000 * Math.log(1 - chance(n + 1)) + 5_000));
    expect(found(contacts(exponential))).toEqual([]);
    // Fast ones too, of which the time in which no contact can begin would else hide how far they vary.
    for (const meanMs of [6_000, 8_000, 10_000, 15_000]) {
      const fast = times(2_000, (n) => Math.round(-meanMs * Math.log(1 - chance(n + 1))));
      expect(found(contacts(fast))).toEqual([]);
    }
  });

  it('says nothing of what is busy, of what stays in the house, and of names and time', () => {
    expect(found(contacts(times(100, () => 9_000)))).toEqual([]);
    expect(
      found(
        contacts(
          times(24, () => 60_000),
          { to: '10.0.0.2' },
        ),
      ),
    ).toEqual([]);
    for (const port of [53, 123, 853])
      expect(
        found(
          contacts(
            times(24, () => 60_000),
            { port },
          ),
        ),
      ).toEqual([]);
  });

  it('takes connections within five seconds as one contact', () => {
    const pairs = contacts(times(24, () => 60_000)).flatMap((each) => [each, flow(each.timeMs - START_MS + 4_999)]);
    expect(found(pairs)[0]?.detection.eventCount).toBe(25);
  });

  it('keeps devices, destinations and ports apart', () => {
    const spread = times(25, (n) => n * 60_000).map((afterMs, n) => flow(afterMs, { port: n % 2 === 0 ? 443 : 8443 }));
    expect(found(spread)).toEqual([]);
  });

  it('tells of a pair once a day', () => {
    expect(found(contacts(times(24 * 60 + 24 - 1, () => 60_000)))).toHaveLength(1);
    expect(found(contacts(times(24 * 60 + 24, () => 60_000)))).toHaveLength(2);
  });

  it('begins anew after a silence of four hours', () => {
    const broken = times(24, (n) => (n === 12 ? 4 * 3_600_000 : 60_000));
    expect(found(contacts(broken))).toEqual([]);
    expect(found(contacts(times(24, (n) => (n === 12 ? 4 * 3_600_000 - 1 : 60_000))))).toHaveLength(1);
  });

  const HOUR_MS = 3_600_000;
  const other = (from: string, afterMs: number) => flow(afterMs, { from });
  const regular = (afterMs: number, from = 'ws-1') =>
    times(25, (n) => n * 60_000).map((each) => flow(afterMs + each, { from }));
  const inOrder = (events: readonly LoggedEvent[]) => events.toSorted((a, b) => a.timeMs - b.timeMs);

  it('leaves out what three devices of the house have reached, and not what two have', () => {
    expect(found(inOrder([other('ws-2', 0), other('ws-3', 1), ...regular(60_000)]))).toEqual([]);
    expect(found(inOrder([other('ws-2', 0), ...regular(60_000)]))).toHaveLength(1);
  });

  it('does not take a destination for known that came to several devices at once, a day after the beginning', () => {
    const begin = flow(0, { to: '198.51.100.1' });
    const dayMs = 24 * HOUR_MS;
    const hands = ['ws-1', 'ws-2', 'ws-3'].flatMap((from, n) => regular(dayMs + n * 1_000, from));
    expect(found(inOrder([begin, ...hands]))).toHaveLength(3);
    const later = regular(2 * dayMs + 60_000, 'ws-4');
    expect(found(inOrder([begin, ...hands, ...later]))).toHaveLength(3);
  });

  it('forgets after a week who reached a destination', () => {
    const early = [other('ws-2', 0), other('ws-3', 1)];
    expect(found([...early, ...regular(7 * 24 * HOUR_MS)])).toHaveLength(1);
    expect(found([...early, ...regular(6 * 24 * HOUR_MS)])).toEqual([]);
  });
});
