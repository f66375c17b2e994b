import fc from 'fast-check';
import { collect, describeOperatorLifecycle, eventElement, watermark } from '../testing';
import { NOfMStore, nOfM, type NOfMMatch } from './n-of-m';
import type { StreamElement } from './stream-element';

/** An event is of every kind whose letter its name holds. */
interface Act {
  readonly key: string;
  readonly name: string;
  readonly id: string;
}
type Element = StreamElement<Act>;
const WITHIN_MS = 10;
const KINDS = 'xyz';
const act = (timeMs: number, name: string, key = 'k'): Element =>
  eventElement({ key, name, id: `${name}${timeMs}` }, timeMs);
const optionsOf = (kindsMin: number) => ({
  withinMs: WITHIN_MS,
  kindsMin,
  keyOf: ({ key }: Act) => (key === '-' ? undefined : key),
  kinds: [...KINDS].map(
    (kind) =>
      ({ name }: Act) =>
        name.includes(kind),
  ),
  refOf: ({ id }: Act) => id,
});
const run = (input: readonly Element[], kindsMin = 2, store?: NOfMStore<string>): NOfMMatch<string>[] =>
  collect(nOfM(optionsOf(kindsMin), store), input);
const shown = (matches: readonly NOfMMatch<string>[]): string[] =>
  matches.map(({ startMs, timeMs, members }) => `${startMs}-${timeMs} ${members.map(({ ref }) => ref).join()}`);

describe('nOfM', () => {
  describeOperatorLifecycle<Element, NOfMMatch<string>>({
    operator: () => nOfM(optionsOf(2)),
    input: [act(1, 'y'), watermark(2), act(3, 'x')],
    output: [
      {
        key: 'k',
        startMs: 1,
        timeMs: 3,
        members: [
          { kind: 0, timeMs: 3, ref: 'x3' },
          { kind: 1, timeMs: 1, ref: 'y1' },
        ],
      },
    ],
    endless: (index) => act(index, KINDS[index % 3] as string),
  });

  it('counts a kind less than the time before, and no more one exactly the time before', () => {
    expect(shown(run([act(0, 'x'), act(9, 'y')]))).toEqual(['0-9 x0,y9']);
    expect(shown(run([act(0, 'x'), act(10, 'y')]))).toEqual([]);
  });

  it('counts kinds, not events', () => {
    expect(shown(run([act(0, 'x'), act(1, 'x'), act(2, 'x')]))).toEqual([]);
    expect(shown(run([act(0, 'x'), act(8, 'x'), act(12, 'y')]))).toEqual(['8-12 x8,y12']);
  });

  it('needs as many kinds as it is told, in whatever order', () => {
    expect(shown(run([act(0, 'z'), act(1, 'x')], 3))).toEqual([]);
    expect(shown(run([act(0, 'z'), act(1, 'x'), act(2, 'y')], 3))).toEqual(['0-2 x1,y2,z0']);
    expect(shown(run([act(0, 'z')], 1))).toEqual(['0-0 z0']);
  });

  it('counts an event for every kind that it is of', () => {
    expect(shown(run([act(0, 'xy')]))).toEqual(['0-0 xy0,xy0']);
  });

  it('no longer counts one that came exactly the time before, while later ones still count', () => {
    expect(shown(run([act(0, 'x'), act(5, 'y'), act(10, 'z')], 3))).toEqual([]);
    expect(shown(run([act(1, 'x'), act(5, 'y'), act(10, 'z')], 3))).toEqual(['1-10 x1,y5,z10']);
  });

  it('uses up what the key held', () => {
    expect(shown(run([act(0, 'x'), act(1, 'y'), act(2, 'z'), act(3, 'x')]))).toEqual(['0-1 x0,y1', '2-3 x3,z2']);
  });

  it('keeps keys apart, and leaves out events without a key, of no kind and mistimed ones', () => {
    const late = eventElement<Act>({ key: 'k', name: 'x', id: 'late' }, 1, 'late');
    expect(shown(run([late, act(1, 'x', '-'), act(1, 'x', 'a'), act(2, ''), act(3, 'y')]))).toEqual([]);
  });

  it('equals a look at all events', () => {
    const steps = fc.array(fc.tuple(fc.nat(6), fc.constantFrom('x', 'y', 'z', 'xz', '')), { maxLength: 30 });
    fc.assert(
      fc.property(steps, fc.integer({ min: 1, max: 3 }), (gaps, kindsMin) => {
        let timeMs = 0;
        const acts = gaps.map(([gapMs, name]) => ({ timeMs: (timeMs += gapMs), name }));
        const expected: number[] = [];
        let usedTo = 0;
        acts.forEach((last, at) => {
          const inside = acts.slice(usedTo, at + 1).filter((each) => last.timeMs - each.timeMs < WITHIN_MS);
          const kindCount = [...KINDS].filter((kind) => inside.some(({ name }) => name.includes(kind))).length;
          if (last.name === '' || kindCount < kindsMin) return;
          expected.push(last.timeMs);
          usedTo = at + 1;
        });
        const matches = run(
          acts.map((each) => act(each.timeMs, each.name)),
          kindsMin,
        );
        expect(matches.map((match) => match.timeMs)).toEqual(expected);
      }),
    );
  });

  it('forgets a key when nothing of it counts any more, and evicts the key touched longest ago', () => {
    const store = new NOfMStore<string>({ withinMs: WITHIN_MS, kindCount: 3, kindsMin: 2, keysMax: 1 });
    expect(shown(run([act(0, 'x', 'a'), act(1, 'x', 'b'), act(2, 'y', 'a'), act(3, 'y', 'a')], 2, store))).toEqual([]);
    expect([store.store.size, store.store.evictedCount]).toEqual([1, 2]);
    run([watermark(13)], 2, store);
    expect([store.store.size, store.store.evictedCount]).toEqual([0, 2]);
  });

  it('refuses to ask for more kinds than there are, and for none', () => {
    for (const kindsMin of [0, 4, 1.5])
      expect(() => nOfM(optionsOf(kindsMin))).toThrow(expect.objectContaining({ code: 'OPERATOR_OPTION_INVALID' }));
  });
});
