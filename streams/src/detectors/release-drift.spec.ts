import type { EventData, LoggedEvent } from '@protego/contracts';
import { START_MS, describeDetector, foundBy, loggedEvent } from '../testing';
import { RELEASE_DRIFT } from './release-drift';

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

let number = 0;
function released(timeMs: number, actor: string | undefined, patient: string, more: EventData = {}): LoggedEvent {
  const data = {
    partner: { uid: 'insurer-01' },
    patient: { uid: patient },
    ...(actor === undefined ? {} : { actor: { user: { uid: actor, role: 'admission-clerk' } } }),
    purpose: 'billing',
    ...more,
  };
  number++;
  return loggedEvent({
    id: `r${number}`,
    seq: number,
    timeMs,
    type: 'exchange.released',
    source: 'exchange-portal',
    data,
  });
}
/** A working day of somebody: so many patients within eight hours. */
function day(n: number, actor: string | undefined, count: number, more: EventData = {}, atHour = 1): LoggedEvent[] {
  return Array.from({ length: count }, (_, each) =>
    released(
      START_MS + n * DAY_MS + atHour * HOUR_MS + each * Math.floor((8 * HOUR_MS) / count),
      actor,
      `pt-${n}-${actor?.slice(-1) ?? ''}-${each}`,
      more,
    ),
  );
}
/** Five clerks with six to ten patients each on some days. */
function usual(days: number): LoggedEvent[] {
  return Array.from({ length: days }, (_, n) =>
    ['a', 'b', 'c', 'd', 'e'].flatMap((clerk, index) => day(n, `clerk-${clerk}`, 6 + ((n + index) % 5))),
  ).flat();
}
const found = (history: readonly LoggedEvent[]) =>
  foundBy(
    RELEASE_DRIFT,
    history.toSorted((a, b) => a.timeMs - b.timeMs),
  );

describe('release-drift', () => {
  describeDetector({
    detector: RELEASE_DRIFT,
    history: [...usual(2), ...day(2, 'clerk-a', 30)],
    foundCount: 1,
    name: 'clerk-a',
  });

  it('tells of a day far beyond the usual as soon as it is', () => {
    const [result] = found([...usual(3), ...day(3, 'clerk-a', 60)]);
    expect(result?.detection.why).toMatch(
      /^clerk-a released data of \d\d patients within a day, .*; even a busy day has about \d+\. /,
    );
    expect(result?.detection.entities).toEqual([
      { kind: 'person', id: 'clerk-a' },
      { kind: 'partner', id: 'insurer-01' },
    ]);
    expect(result?.detection.eventCount).toBeLessThan(40);
    expect(Date.parse(result?.detection.certainAt ?? '')).toBeLessThan(START_MS + 3 * DAY_MS + 9 * HOUR_MS);
  });

  it('measures somebody new by all others, and needs some days of them', () => {
    expect(found([...usual(2), ...day(2, 'clerk-n', 40)])).toHaveLength(1);
    expect(found(day(0, 'clerk-n', 40))).toEqual([]);
  });

  it('lets those who always release much go on', () => {
    const busy = [0, 1, 2, 3].flatMap((n) => day(n, 'clerk-a', 50));
    expect(found(busy)).toEqual([]);
  });

  it('finds nothing in what is usual, nor below twenty patients', () => {
    expect(found(usual(12))).toEqual([]);
    const idle = [0, 1, 2, 3].flatMap((n) => ['clerk-a', 'clerk-b', 'clerk-c'].flatMap((clerk) => day(n, clerk, 1)));
    expect(found([...idle, ...day(4, 'clerk-a', 19)])).toEqual([]);
    expect(found([...idle, ...day(4, 'clerk-a', 20)])).toHaveLength(1);
  });

  it('counts patients, not releases, and over 24 hours whenever the day begins', () => {
    const again = Array.from({ length: 60 }, (_, n) =>
      released(START_MS + 3 * DAY_MS + n * 60_000, 'clerk-a', 'pt-same'),
    );
    expect(found([...usual(3), ...again])).toEqual([]);
    const overMidnight = day(3, 'clerk-a', 36, {}, 13);
    expect(found([...usual(3), ...overMidnight])).toHaveLength(1);
  });

  it('leaves out what patients agreed to, and what the law asks for', () => {
    const group = day(3, 'clerk-a', 40, { purpose: 'rehabilitation' });
    const consents = group.map(({ event }, n) =>
      loggedEvent({
        id: `c${n}`,
        seq: 0,
        timeMs: START_MS + 3 * DAY_MS,
        type: 'exchange.consent-given',
        data: { partner: { uid: 'insurer-01' }, patient: event.data['patient'], purpose: 'rehabilitation' } as never,
      }),
    );
    expect(found([...usual(3), ...group])).toHaveLength(1);
    expect(found([...usual(3), ...consents, ...group])).toEqual([]);
    const withdrawn = consents.map((each, n) => ({
      ...each,
      timeMs: each.timeMs + 1_000,
      event: { ...each.event, id: `w${n}`, type: 'exchange.consent-withdrawn' },
    }));
    expect(found([...usual(3), ...consents, ...withdrawn, ...group])).toHaveLength(1);
    for (const purpose of ['public-health-reporting', 'emergency-transfer'])
      expect(found([...usual(3), ...day(3, 'clerk-a', 40, { purpose })])).toEqual([]);
  });

  it('tells of a partner that gets far more than it used to, from however many people', () => {
    const gets = (n: number, count: number): LoggedEvent[] =>
      Array.from({ length: 6 }, (_, clerk) =>
        day(n, `clerk-${clerk}`, count, { partner: { uid: 'insurer-02' } }),
      ).flat();
    const before = [0, 1, 2, 3].flatMap((n) => gets(n, 5));
    const results = found([...before, ...gets(4, 16)]);
    expect(results).toHaveLength(1);
    expect(results[0]?.detection.why).toContain('insurer-02 got data of');
  });

  it('is not made used to it by what it told of', () => {
    const thefts = [3, 6, 9].flatMap((n) => day(n, 'clerk-a', 60));
    const results = found([...usual(12), ...thefts]).filter(({ detection }) => detection.why.startsWith('clerk-a'));
    expect(results).toHaveLength(3);
  });

  it('tells of the same person once in two days, and leaves out what nobody is named for', () => {
    expect(found([...usual(3), ...day(3, 'clerk-a', 80), ...day(4, 'clerk-a', 80)])).toHaveLength(1);
    expect(found([...usual(3), ...day(3, undefined, 80)])).toEqual([]);
  });
});
