import { randomBytes } from 'node:crypto';
import fc from 'fast-check';
import { DedupeIndex } from './dedupe-index';

const DAY_MS = 86_400_000;
const dedupeKey = randomBytes(32);
const body = (text: string): Buffer => Buffer.from(text);

describe('DedupeIndex', () => {
  it('agrees with a map of all ids while nothing is too old', () => {
    const event = fc.record({
      source: fc.constantFrom('gateway', 'ehr'),
      id: fc.string({ maxLength: 2 }),
      content: fc.nat(2),
      arrivedAtMs: fc.nat(20 * DAY_MS),
    });
    fc.assert(
      fc.property(fc.array(event, { maxLength: 200 }), (events) => {
        const index = new DedupeIndex({ dedupeKey });
        const model = new Map<string, number>();
        for (const { source, id, content, arrivedAtMs } of events) {
          const known = model.get(`${source} ${id}`);
          const expected = known === undefined ? 'new' : known === content ? 'duplicate' : 'conflict';
          expect(index.check(source, id, body(`${content}`))).toBe(expected);
          expect(index.admit(source, id, body(`${content}`), arrivedAtMs)).toBe(expected);
          if (known === undefined) model.set(`${source} ${id}`, content);
        }
        expect([index.size, index.evictedCount]).toEqual([model.size, 0]);
      }),
    );
  });

  it('keeps every id through the growth of its table', () => {
    const index = new DedupeIndex({ dedupeKey });
    const ids = Array.from({ length: 20_000 }, (_, i) => `id-${i}`);
    const admitted = new Set(ids.map((id, i) => index.admit('ehr', id, body(`${i}`), i)));
    const checked = new Set(ids.map((id, i) => index.check('ehr', id, body(`${i}`))));
    expect([[...admitted], [...checked]]).toEqual([['new'], ['duplicate']]);
    expect([index.size, index.check('ehr', 'id-20000', body('')), index.check('ehr', 'id-7', body('8'))]).toEqual([
      20_000,
      'new',
      'conflict',
    ]);
  });

  it('drops whole days once they ended before the horizon, and counts them', () => {
    const index = new DedupeIndex({ dedupeKey, horizonMs: 2 * DAY_MS });
    index.add('ehr', 'a', body('1'), 0);
    index.add('ehr', 'b', body('1'), DAY_MS - 1);
    index.add('ehr', 'c', body('1'), DAY_MS);
    index.add('ehr', 'd', body('1'), 3 * DAY_MS - 1);
    expect([index.size, index.check('ehr', 'a', body('1'))]).toEqual([4, 'duplicate']);
    index.add('ehr', 'e', body('1'), 3 * DAY_MS);
    expect([index.size, index.evictedCount]).toEqual([3, 2]);
    expect(['a', 'b', 'c', 'd'].map((id) => index.check('ehr', id, body('1')))).toEqual([
      'new',
      'new',
      'duplicate',
      'duplicate',
    ]);
    expect(index.admit('ehr', 'a', body('2'), 3 * DAY_MS)).toBe('new');
    expect([index.size, index.check('ehr', 'a', body('2'))]).toEqual([4, 'duplicate']);
  });

  it('remembers an import of old events as long as events of its day', () => {
    const index = new DedupeIndex({ dedupeKey, horizonMs: DAY_MS });
    index.add('ehr', 'today', body('1'), 100 * DAY_MS);
    expect(index.admit('ehr', 'old', body('1'), DAY_MS)).toBe('new');
    expect(index.admit('ehr', 'old', body('1'), DAY_MS)).toBe('duplicate');
    expect(index.evictedCount).toBe(0);
  });

  it('drops the oldest day when it is full, and starts over when there is but one', () => {
    const index = new DedupeIndex({ dedupeKey, entriesMax: 1500 });
    for (let i = 0; i < 500; i++) index.add('ehr', `a${i}`, body(''), 0);
    for (let i = 0; i < 1000; i++) index.add('ehr', `b${i}`, body(''), DAY_MS);
    index.add('ehr', 'c', body(''), DAY_MS);
    expect([index.size, index.evictedCount, index.check('ehr', 'b0', body(''))]).toEqual([1001, 500, 'duplicate']);
    for (let i = 0; i < 500; i++) index.add('ehr', `d${i}`, body(''), DAY_MS);
    expect([index.size, index.evictedCount, index.check('ehr', 'd499', body(''))]).toEqual([1, 2000, 'duplicate']);
  });

  it('forgets an event that was not appended after all', () => {
    const index = new DedupeIndex({ dedupeKey });
    index.add('ehr', 'a', body('1'), 5);
    index.add('ehr', 'b', body('1'), 5);
    index.forget('ehr', 'a');
    index.forget('ehr', 'never');
    expect([index.size, index.evictedCount, index.check('ehr', 'b', body('1'))]).toEqual([1, 0, 'duplicate']);
    expect(index.admit('ehr', 'a', body('2'), 5)).toBe('new');
    expect([index.size, index.admit('ehr', 'a', body('2'), 5)]).toEqual([2, 'duplicate']);
  });

  it('refuses limits and times that make no sense', () => {
    expect(() => new DedupeIndex({ dedupeKey: Buffer.alloc(3) })).toThrow(/key of 32 bytes/);
    expect(() => new DedupeIndex({ dedupeKey, horizonMs: 0 })).toThrow(
      expect.objectContaining({ code: 'CONFIG_INVALID' }),
    );
    const index = new DedupeIndex({ dedupeKey });
    expect(() => index.admit('ehr', 'a', body(''), Number.NaN)).toThrow(/not finite/);
  });
});
