import * as fc from 'fast-check';
import { lineDifferences } from './line-difference';

const lineOf = (certainAt: number, id: string, why = ''): string =>
  JSON.stringify({ certainAt: `2026-03-02T07:00:0${certainAt}Z`, id, ruleId: 'r', why });
const told = (recorded: string[], again: string[]): string[] =>
  [...lineDifferences(recorded, again)].map(({ side, place, line }) => {
    return `${side} ${place} ${(JSON.parse(line) as { id: string }).id}`;
  });

describe('lineDifferences', () => {
  it('finds nothing where nothing differs', () => {
    expect(told([lineOf(1, 'a'), lineOf(2, 'b')], [lineOf(1, 'a'), lineOf(2, 'b')])).toEqual([]);
  });

  it('names lines that one side lacks, and goes on after them', () => {
    const all = [lineOf(1, 'a'), lineOf(2, 'b'), lineOf(3, 'c'), lineOf(4, 'd')];
    expect(told(all, [all[0], all[2], all[3]] as string[])).toEqual(['recorded 2 b']);
    expect(told([all[1]] as string[], all)).toEqual(['again 1 a', 'again 3 c', 'again 4 d']);
  });

  it('names a line that was changed on both sides', () => {
    expect(told([lineOf(1, 'a', 'x'), lineOf(2, 'b')], [lineOf(1, 'a', 'y'), lineOf(2, 'b')])).toEqual([
      'recorded 1 a',
      'again 1 a',
    ]);
  });

  it('passes over no line that cannot be read', () => {
    expect([...lineDifferences(['garbage', lineOf(1, 'a')], [lineOf(1, 'a')])]).toEqual([
      { side: 'recorded', place: 1, line: 'garbage' },
    ]);
  });

  it('finds exactly what was left out and what was added', () => {
    const ids = fc.uniqueArray(fc.integer({ min: 0, max: 99 }), { maxLength: 40 });
    fc.assert(
      fc.property(ids, ids, (left, right) => {
        const lines = (numbers: number[]): string[] =>
          [...numbers].sort((a, b) => a - b).map((n) => lineOf(Math.floor(n / 10), `id-${String(n).padStart(2, '0')}`));
        const [a, b] = [lines(left), lines(right)];
        const differences = [...lineDifferences(a, b)];
        expect(differences.filter(({ side }) => side === 'recorded').map(({ line }) => line)).toEqual(
          a.filter((line) => !b.includes(line)),
        );
        expect(differences.filter(({ side }) => side === 'again').map(({ line }) => line)).toEqual(
          b.filter((line) => !a.includes(line)),
        );
      }),
    );
  });
});
