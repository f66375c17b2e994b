import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { LineIds } from './line-ids';

const idsOf = (lines: readonly string[], distinctLinesMax?: number): string[] => {
  const ids = new LineIds(distinctLinesMax);
  return lines.map((line, i) => ids.next(Buffer.from(line), i + 1));
};

describe('LineIds', () => {
  it('numbers repeated lines', () => {
    const digits = createHash('sha256').update('a').digest('hex').slice(0, 32);
    expect(idsOf(['a', 'b', 'a', 'a']).filter((_, i) => i !== 1)).toEqual([digits, `${digits}-1`, `${digits}-2`]);
  });

  it('gives the same set of ids in any order, each once', () => {
    const lines = fc.array(fc.constantFrom('a', 'b', 'c', 'd'));
    const shuffled = lines.chain((drawn) =>
      fc.tuple(fc.constant(drawn), fc.shuffledSubarray(drawn, { minLength: drawn.length })),
    );
    fc.assert(
      fc.property(shuffled, ([before, after]) => {
        const ids = idsOf(before);
        expect(new Set(ids).size).toBe(ids.length);
        expect(idsOf(after).sort()).toEqual(ids.sort());
      }),
    );
  });

  it('remembers many lines', () => {
    const ids = new LineIds();
    const first = Array.from({ length: 5000 }, (_, i) => ids.next(`line ${i}`, i));
    const second = Array.from({ length: 5000 }, (_, i) => ids.next(`line ${i}`, i));
    expect(second).toEqual(first.map((id) => `${id}-1`));
  });

  it('loses no repeated line when the table is full, and counts what it gives up', () => {
    const ids = new LineIds(1);
    const given = ['a', 'b', 'b', 'a'].map((line, i) => ids.next(line, i + 1));
    expect(new Set(given).size).toBe(4);
    expect(given[1]).toMatch(/^[0-9a-f]{32}-line2$/);
    expect(given[3]).toBe(`${given[0] ?? ''}-1`);
    expect(ids.idsByLineNumber).toBe(2);
  });
});
