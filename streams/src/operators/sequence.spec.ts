import fc from 'fast-check';
import { collect, describeOperatorLifecycle, eventElement, watermark } from '../testing';
import { SequenceStore, sequence, type SequenceMatch } from './sequence';
import type { StreamElement } from './stream-element';

/** An event fits every step whose letter its name holds. */
interface Act {
  readonly key: string;
  readonly name: string;
  readonly id: string;
}
type Element = StreamElement<Act>;
const WITHIN_MS = 10;
const act = (timeMs: number, name: string, key = 'k'): Element =>
  eventElement({ key, name, id: `${name}${timeMs}` }, timeMs);
const optionsOf = (letters: string) => ({
  withinMs: WITHIN_MS,
  keyOf: ({ key }: Act) => (key === '-' ? undefined : key),
  steps: [...letters].map(
    (letter) =>
      ({ name }: Act) =>
        name.includes(letter),
  ),
  refOf: ({ id }: Act) => id,
});
const run = (input: readonly Element[], letters = 'ab', store?: SequenceStore<string>): SequenceMatch<string>[] =>
  collect(sequence(optionsOf(letters), store), input);
const shown = (matches: readonly SequenceMatch<string>[]): string[] => matches.map(({ refs }) => refs.join());

/** Matches by trying every chain of events; each completed one, the last to begin, uses up all before it. */
function naive(acts: readonly { timeMs: number; name: string }[], letters: string): [number, number][] {
  const found: [number, number][] = [];
  let usedTo = 0;
  const latestStart = (step: number, before: number): number =>
    acts.reduce((latest, { timeMs, name }, at) => {
      if (at < usedTo || at >= before || !name.includes(letters[step] as string)) return latest;
      return Math.max(latest, step === 0 ? timeMs : latestStart(step - 1, at));
    }, Number.NEGATIVE_INFINITY);
  acts.forEach(({ timeMs, name }, at) => {
    if (!name.includes(letters.at(-1) as string)) return;
    const startMs = latestStart(letters.length - 2, at);
    if (timeMs - startMs >= WITHIN_MS) return;
    found.push([startMs, timeMs]);
    usedTo = at + 1;
  });
  return found;
}

describe('sequence', () => {
  describeOperatorLifecycle<Element, SequenceMatch<string>>({
    operator: () => sequence(optionsOf('ab')),
    input: [act(1, 'a'), watermark(2), act(3, 'b')],
    output: [{ key: 'k', startMs: 1, timeMs: 3, refs: ['a1', 'b3'] }],
    endless: (index) => act(index, index % 2 === 0 ? 'a' : 'b'),
  });

  it('finds the second less than the time after the first, and no more exactly the time after it', () => {
    expect(shown(run([act(0, 'a'), act(9, 'b')]))).toEqual(['a0,b9']);
    expect(shown(run([act(0, 'a'), act(10, 'b')]))).toEqual([]);
  });

  it('goes by the order of the stream, also within one millisecond', () => {
    expect(shown(run([act(5, 'a'), act(5, 'b')]))).toEqual(['a5,b5']);
    expect(shown(run([act(5, 'b'), act(5, 'a')]))).toEqual([]);
  });

  it('needs two events for two steps, also when one fits both', () => {
    expect(shown(run([act(1, 'ab')]))).toEqual([]);
    expect(shown(run([act(1, 'ab'), act(2, 'ab'), act(3, 'ab'), act(4, 'ab')]))).toEqual(['ab1,ab2', 'ab3,ab4']);
  });

  it('takes the first step that came last, and uses up what the key held', () => {
    expect(shown(run([act(0, 'a'), act(4, 'a'), act(5, 'b'), act(6, 'b')]))).toEqual(['a4,b5']);
  });

  it('takes the chain that began last, also of those that began in one millisecond', () => {
    const id = (name: string, number: number): Element => eventElement({ key: 'k', name, id: `${name}${number}` }, 0);
    const input = [id('a', 1), id('b', 1), id('a', 2), id('b', 2), act(1, 'c')];
    expect(shown(run(input, 'abc'))).toEqual(['a2,b2,c1']);
  });

  it('keeps a chain that is further on while a later one begins', () => {
    expect(shown(run([act(0, 'a'), act(1, 'b'), act(2, 'a'), act(3, 'c')], 'abc'))).toEqual(['a0,b1,c3']);
    expect(shown(run([act(0, 'a'), act(1, 'b'), act(9, 'a'), act(10, 'c')], 'abc'))).toEqual([]);
  });

  it('keeps keys apart, and leaves out events without a key and mistimed ones', () => {
    const late = eventElement<Act>({ key: 'k', name: 'a', id: 'late' }, 1, 'late');
    expect(shown(run([late, act(1, 'a', 'x'), act(2, 'a', '-'), act(3, 'b'), act(4, 'b', 'x')]))).toEqual(['a1,b4']);
  });

  it('equals the trial of every chain', () => {
    const steps = fc.array(fc.tuple(fc.nat(5), fc.constantFrom('a', 'b', 'c', 'ab', 'bc', 'abc', '')), {
      maxLength: 14,
    });
    fc.assert(
      fc.property(steps, fc.constantFrom('ab', 'abc', 'aab', 'aba', 'aaa'), (gaps, letters) => {
        let timeMs = 0;
        const acts = gaps.map(([gapMs, name]) => ({ timeMs: (timeMs += gapMs), name }));
        const matches = run(
          acts.map((each) => act(each.timeMs, each.name)),
          letters,
        );
        expect(matches.map((match) => [match.startMs, match.timeMs])).toEqual(naive(acts, letters));
      }),
      { numRuns: 300 },
    );
  });

  it('forgets a key when nothing of it can be completed any more, without counting it as evicted', () => {
    const store = new SequenceStore<string>({ withinMs: WITHIN_MS, stepCount: 2 });
    run([act(0, 'a'), act(4, 'a'), watermark(13)], 'ab', store);
    expect(store.store.size).toBe(1);
    run([watermark(14)], 'ab', store);
    expect([store.store.size, store.store.evictedCount]).toEqual([0, 0]);
  });

  it('holds nothing of a key that has taken no step', () => {
    const store = new SequenceStore<string>({ withinMs: WITHIN_MS, stepCount: 2 });
    run([act(0, 'b')], 'ab', store);
    expect(store.store.size).toBe(0);
  });

  it('lets the key touched longest ago go, and counts it', () => {
    const store = new SequenceStore<string>({ withinMs: WITHIN_MS, stepCount: 2, keysMax: 1 });
    expect(shown(run([act(0, 'a', 'x'), act(1, 'a', 'y'), act(2, 'b', 'x'), act(3, 'b', 'y')], 'ab', store))).toEqual([
      'a1,b3',
    ]);
    expect(store.store.evictedCount).toBe(1);
  });

  it('refuses one step, too many, and a time that is none', () => {
    for (const bounds of [{ stepCount: 1 }, { stepCount: 17 }, { withinMs: 0 }, { withinMs: Number.NaN }])
      expect(() => new SequenceStore({ withinMs: 1, stepCount: 2, ...bounds })).toThrow(
        expect.objectContaining({ code: 'OPERATOR_OPTION_INVALID' }),
      );
  });
});
