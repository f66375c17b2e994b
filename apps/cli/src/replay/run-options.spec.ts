import { countOf, emitRangeOf, warningOf } from './run-options';

const refused = expect.objectContaining({ code: 'USAGE_INVALID' }) as Error;
const NOON_MS = Date.UTC(2026, 2, 2, 12);

describe('options of a run', () => {
  it.each([
    [{ seq: 500 }, { seq: 100 }],
    [{ seq: 7 }, { seq: 7 }],
    [{ timeMs: NOON_MS }, { timeMs: NOON_MS - 1 }],
    [{ seq: 7 }, { timeMs: NOON_MS }],
  ])('refuse a range from %j to %j', (from, to) => {
    expect(() => emitRangeOf({ from, to })).toThrow(refused);
  });

  it('take a range that is open, or has something in it', () => {
    expect(emitRangeOf({ to: { seq: 0 } })).toEqual({ emitFromSeq: undefined, emitToSeq: 0 });
    expect(emitRangeOf({ from: { seq: 1 }, to: { seq: 2 } })).toEqual({ emitFromSeq: 1, emitToSeq: 2 });
  });

  it.each(['0', '-5', '0.5', '', '1e3', 'x', '99999999999999999999'])('refuse `%s` for a number of records', (text) => {
    expect(() => countOf('--chunk')(text)).toThrow(refused);
  });

  it('take whole numbers up to the bound', () => {
    expect(countOf('--workers', 16)('16')).toBe(16);
    expect(() => countOf('--workers', 16)('17')).toThrow(refused);
  });

  it('warn of a range that begins after the end of the log', () => {
    const stat = { size: 100, lastTimeMs: NOON_MS };
    expect(warningOf({ emitFromSeq: 99 }, stat)).toBeUndefined();
    expect(warningOf({ emitFromSeq: 100 }, stat)).toContain('beyond the log');
    expect(warningOf({ emitFromMs: NOON_MS }, stat)).toBeUndefined();
    expect(warningOf({ emitFromMs: NOON_MS + 1 }, stat)).toContain('2026-03-02T12:00:00.000Z');
    expect(warningOf({ emitFromMs: NOON_MS }, { size: 0 })).toContain('no events');
    expect(warningOf({ emitToSeq: 5 }, stat)).toBeUndefined();
  });
});
