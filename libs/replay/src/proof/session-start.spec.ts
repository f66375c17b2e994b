import type { EventSeq } from '@protego/contracts';
import { SESSION_CLOSED, SESSION_OPENED } from '@protego/streams';
import { declarationsOf } from '@protego/streams/testing';
import type { HistoryNeed } from './raising-rule';
import { beginsInImport, isSettled, sessionStartOf, settledFromMs } from './session-start';

type Place = Parameters<typeof sessionStartOf>[0][number];

/** `o` opens an import, `c` closes it, anything else is an event; the first stands at `from`. */
const records = (text: string, from = 0): Place[] =>
  [...text].map((letter, i) => ({
    seq: (from + i) as EventSeq,
    type: letter === 'o' ? SESSION_OPENED : letter === 'c' ? SESSION_CLOSED : 'access.signed-in',
    arrivedAtMs: (from + i) * 1_000,
  }));
const startOf = (text: string, seq: number, from = 0): [number | undefined, boolean | undefined] => {
  const start = sessionStartOf(records(text, from), seq);
  return [start?.seq, start?.isComplete];
};

describe('sessionStartOf', () => {
  it('begins with the log, or says that there was something before', () => {
    expect(startOf('eee', 2)).toEqual([0, true]);
    expect(startOf('eee', 7, 5)).toEqual([5, false]);
  });

  it('begins with an import that opens before the record', () => {
    expect(startOf('eoee', 8, 5)).toEqual([6, true]);
    expect(startOf('oeoe', 8, 5)).toEqual([7, true]);
  });

  it('takes the live session up where it stood before an import', () => {
    expect(startOf('eoece', 4)).toEqual([0, true]);
    expect(startOf('eoece', 9, 5)).toEqual([5, false]);
  });

  it('counts nothing from before the end of an import whose beginning is missing', () => {
    expect(startOf('eecee', 8, 5)).toEqual([8, false]);
  });

  it('knows no beginning where none is among the records', () => {
    expect(sessionStartOf([], 3)).toBeUndefined();
  });
});

describe('beginsInImport', () => {
  it.each([
    ['ee', false],
    ['eo', false],
    ['ec', true],
    ['oc', false],
    ['co', true],
  ])('%s: %s', (text, expected) => expect(beginsInImport(records(text))).toBe(expected));
});

describe('isSettled', () => {
  const declarations = declarationsOf([], 60_000);
  const start = { seq: 1, arrivedAtMs: 0, isComplete: false };

  it('waits for what may claim to be later than it is', () => {
    expect(settledFromMs(90_000, declarations)).toBe(150_001);
  });

  it('needs the look-back of a window before the result, and all of the session for a detector', () => {
    const need = { kind: 'window', lookbackMs: 10_000, holdsBack: false } as const;
    const settled = (
      ...[wanted, begin, certainAtMs, sinceMs]: [HistoryNeed, typeof start | undefined, number, number?]
    ) => isSettled(wanted, begin, certainAtMs, sinceMs, declarations);
    expect(settled(need, start, 160_001, 90_000)).toBe(true);
    expect(settled(need, start, 160_000, 90_000)).toBe(false);
    expect(settled(need, start, 1e12, undefined)).toBe(false);
    expect(settled({ kind: 'session' }, start, 1e12, 0)).toBe(false);
    expect(settled({ kind: 'session' }, { ...start, isComplete: true }, 0, undefined)).toBe(true);
    expect(settled({ kind: 'none' }, undefined, 0, undefined)).toBe(true);
    expect(settled(need, undefined, 1e12, 0)).toBe(false);
  });
});
