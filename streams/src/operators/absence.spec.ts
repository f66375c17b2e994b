import fc from 'fast-check';
import { from, take } from 'rxjs';
import { collect, describeOperatorLifecycle, eventElement, watermark } from '../testing';
import { AbsenceStore, absence, type Absence } from './absence';
import type { StreamElement } from './stream-element';

/** An `a` waits for a `b`; a name can be both. */
interface Act {
  readonly key: string;
  readonly name: string;
  readonly id: string;
}
type Element = StreamElement<Act>;
const WITHIN_MS = 10;
const act = (timeMs: number, name: string, key = 'k'): Element =>
  eventElement({ key, name, id: `${key}${name}${timeMs}` }, timeMs);
const options = {
  withinMs: WITHIN_MS,
  keyOf: ({ key }: Act) => (key === '-' ? undefined : key),
  awaits: ({ name }: Act) => name.includes('a'),
  answers: ({ name }: Act) => name.includes('b'),
  refOf: ({ id }: Act) => id,
};
const run = (input: readonly Element[], store?: AbsenceStore<string>): Absence<string>[] =>
  collect(absence(options, store), input);
const shown = (results: readonly Absence<string>[]): string[] => results.map(({ ref, timeMs }) => `${ref} ${timeMs}`);

describe('absence', () => {
  describeOperatorLifecycle<Element, Absence<string>>({
    operator: () => absence(options),
    input: [act(1, 'a'), watermark(11)],
    output: [{ key: 'k', startMs: 1, timeMs: 11, ref: 'ka1' }],
    endless: (index) => act(20 * index, 'a'),
  });

  it('takes an answer less than the time after, and no more exactly the time after', () => {
    expect(shown(run([act(0, 'a'), act(9, 'b'), watermark(99)]))).toEqual([]);
    expect(shown(run([act(0, 'a'), act(10, 'b'), watermark(99)]))).toEqual(['ka0 10']);
  });

  it('decides when event time reaches the end of the wait, by a watermark or by an event, and dates the result there', () => {
    expect(shown(run([act(0, 'a'), watermark(9)]))).toEqual([]);
    expect(shown(run([act(0, 'a'), watermark(10)]))).toEqual(['ka0 10']);
    expect(shown(run([act(0, 'a'), act(10, 'x', 'other')]))).toEqual(['ka0 10']);
    expect(shown(run([act(0, 'a'), act(57, 'b')]))).toEqual(['ka0 10']);
  });

  it('lets every event wait on its own, and one answer end the wait of all before it', () => {
    expect(shown(run([act(0, 'a'), act(4, 'a'), watermark(99)]))).toEqual(['ka0 10', 'ka4 14']);
    expect(shown(run([act(0, 'a'), act(4, 'a'), act(5, 'b'), act(6, 'a'), watermark(99)]))).toEqual(['ka6 16']);
    expect(shown(run([act(0, 'a'), act(4, 'a'), act(12, 'b'), watermark(99)]))).toEqual(['ka0 10']);
  });

  it('lets an event be the answer to those before it and wait itself, as a heartbeat does', () => {
    expect(shown(run([act(0, 'ab'), act(9, 'ab'), act(30, 'ab'), watermark(39)]))).toEqual(['kab9 19']);
  });

  it('goes by the order of the stream within one millisecond', () => {
    expect(shown(run([act(5, 'b'), act(5, 'a'), watermark(99)]))).toEqual(['ka5 15']);
    expect(shown(run([act(5, 'a'), act(5, 'b'), watermark(99)]))).toEqual([]);
  });

  it('sends results out by the end of the wait, then key', () => {
    const input = [act(0, 'a', 'z'), act(3, 'a', 'y'), act(3, 'a', 'x'), watermark<Act>(99)];
    expect(shown(run(input))).toEqual(['za0 10', 'xa3 13', 'ya3 13']);
  });

  it('decides everything at the watermark of the end, and nothing when the source merely stops', () => {
    expect(shown(run([act(0, 'a')]))).toEqual([]);
    expect(shown(run([act(0, 'a'), watermark(Number.POSITIVE_INFINITY)]))).toEqual(['ka0 10']);
  });

  it('keeps keys apart, and leaves out events without a key and mistimed ones', () => {
    const late = eventElement<Act>({ key: 'k', name: 'b', id: 'late' }, 1, 'late');
    const input = [act(0, 'a'), late, act(1, 'a', '-'), act(2, 'b', 'x'), watermark<Act>(99)];
    expect(shown(run(input))).toEqual(['ka0 10']);
  });

  it('equals a look at all events', () => {
    const steps = fc.array(fc.tuple(fc.nat(8), fc.constantFrom('a', 'b', 'ab', ''), fc.constantFrom('k', 'l')), {
      maxLength: 25,
    });
    fc.assert(
      fc.property(steps, (gaps) => {
        let timeMs = 0;
        const acts = gaps.map(([gapMs, name, key]) => ({ timeMs: (timeMs += gapMs), name, key }));
        const expected = acts
          .filter(({ name, key, timeMs: startMs }, at) => {
            const isAnswer = (other: (typeof acts)[number]): boolean =>
              other.key === key && other.name.includes('b') && other.timeMs - startMs < WITHIN_MS;
            return name.includes('a') && !acts.slice(at + 1).some(isAnswer);
          })
          .sort((a, b) => a.timeMs - b.timeMs || (a.key < b.key ? -1 : a.key > b.key ? 1 : 0))
          .map((each) => `${each.key}${each.name}${each.timeMs} ${each.timeMs + WITHIN_MS}`);
        const input = acts.map((each) => act(each.timeMs, each.name, each.key));
        expect(shown(run([...input, watermark(Number.POSITIVE_INFINITY)]))).toEqual(expected);
      }),
    );
  });

  it('keeps what is due when nobody listens after the first', () => {
    const store = new AbsenceStore<string>({ withinMs: WITHIN_MS });
    from([act(0, 'a'), act(1, 'a'), watermark<Act>(99)])
      .pipe(absence(options, store), take(1))
      .subscribe();
    expect(shown(run([watermark(99)], store))).toEqual(['ka1 11']);
  });

  it('counts what one key lost, where all that wait are fewer than those of one key may be', () => {
    const store = new AbsenceStore<string>({ withinMs: WITHIN_MS, pendingMax: 2, pendingPerKeyMax: 9 });
    expect(shown(run([act(0, 'a'), act(1, 'a'), act(2, 'a'), watermark(99)], store))).toEqual(['ka1 11', 'ka2 12']);
    expect([store.store.evictedCount, store.store.evictedEntryCount]).toEqual([0, 1]);
  });

  it('lets the earliest event of a full key go, and the key touched longest ago, and counts both', () => {
    const store = new AbsenceStore<string>({ withinMs: WITHIN_MS, pendingPerKeyMax: 2, pendingMax: 3 });
    const input = [act(0, 'a'), act(1, 'a'), act(2, 'a'), act(3, 'a', 'x'), act(4, 'a', 'y'), watermark<Act>(99)];
    expect(shown(run(input, store))).toEqual(['xa3 13', 'ya4 14']);
    expect([store.store.evictedCount, store.store.evictedEntryCount]).toEqual([1, 3]);
    expect([store.store.size, store.store.entryCount]).toEqual([0, 0]);
  });
});
