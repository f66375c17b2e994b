import type { ProtegoEvent } from '@protego/contracts';
import { EventJournal } from './event-journal';

const event = (id: string, source = 'ehr'): ProtegoEvent => ({
  specversion: '1.0',
  id,
  source,
  type: 'access.signed-in',
  time: '2026-03-02T07:00:00.250Z',
  arrivedat: '2026-03-02T07:00:01.000Z',
  site: 'h',
  data: { user: { uid: 'p-1' } },
});

describe('EventJournal', () => {
  it('numbers events, reads their times and finds their names again', () => {
    const journal = new EventJournal();
    expect(journal.take(event('a'))).toMatchObject({
      seq: 0,
      timeMs: Date.parse('2026-03-02T07:00:00.250Z'),
      arrivedAtMs: Date.parse('2026-03-02T07:00:01Z'),
      event: { id: 'a' },
    });
    expect(journal.take(event('b', 'network-monitor'))?.seq).toBe(1);
    expect([0, 1].map((seq) => journal.eventAt(seq))).toEqual([
      { source: 'ehr', id: 'a' },
      { source: 'network-monitor', id: 'b' },
    ]);
  });

  it('takes an event that was sent twice once, and events of other sources with the same id', () => {
    const journal = new EventJournal();
    const taken = [event('a'), event('a'), event('a', 'other'), event('b'), event('a')].map(
      (each) => journal.take(each)?.seq,
    );
    expect(taken).toEqual([0, undefined, 1, 2, undefined]);
    expect(journal.size).toBe(3);
  });

  it('remembers the last 20,000 ids of a source at least', () => {
    const journal = new EventJournal();
    for (let n = 0; n < 50_000; n++) journal.take(event(`e${n}`));
    const again = (n: number): boolean => journal.take(event(`e${n}`)) !== undefined;
    expect([again(49_999), again(30_001)]).toEqual([false, false]);
    expect(again(0)).toBe(true);
  });

  it('refuses an event without an arrival', () => {
    expect(() => new EventJournal().take({ ...event('a'), arrivedat: undefined })).toThrow('has the time `undefined`');
  });
});
