import fc from 'fast-check';
import { foldCase } from '../letter-case';
import type { Anchor, AnchorPlace } from './anchors';
import { FieldIndex } from './field-index';

const PLACES: readonly AnchorPlace[] = ['equals', 'startswith', 'endswith', 'contains', 'contains', 'wide', 'present'];
const literal = fc.string({ unit: fc.constantFrom(...'abcksi.\\éß'), minLength: 1, maxLength: 9 });
const anchors = fc.array(
  fc.tuple(fc.constantFrom(...PLACES), literal).map(([place, text]): Anchor => ({
    field: 'f',
    place,
    literal: place === 'wide' || place === 'present' ? '' : text,
  })),
  { minLength: 1, maxLength: 80 },
);
const around = fc.constantFrom('', '', 'a', 'Z', 'bk', 'ł', '😀', 'Σ', 'İ');
/** Other ways to write a letter, some of them beyond Latin-1. */
const SPELLINGS: Readonly<Record<string, string>> = { k: '\u212a', s: 'ſ', i: 'İ', a: 'A', é: 'É', b: 'B' };

function respell(text: string, chosen: readonly boolean[]): string {
  return [...text]
    .map((letter, i) => (chosen[i % chosen.length] === true ? (SPELLINGS[letter] ?? letter) : letter))
    .join('');
}

function holds({ place, literal: wanted }: Anchor, text: string): boolean {
  const lower = foldCase(text);
  switch (place) {
    case 'equals':
      return lower === wanted;
    case 'startswith':
      return lower.startsWith(wanted);
    case 'endswith':
      return lower.endsWith(wanted);
    case 'contains':
      return lower.includes(wanted) || lower.replaceAll('ſ', 's').includes(wanted);
    case 'wide':
      return /[^\0-\xff]/.test(text);
    case 'present':
      return true;
  }
}

const embeddings = fc.array(
  fc.tuple(around, fc.nat(), around, fc.array(fc.boolean(), { minLength: 1, maxLength: 5 })),
  {
    minLength: 10,
    maxLength: 10,
  },
);
/** So many long literals that short texts are searched otherwise than long ones. */
const manyInfixes = fc.array(
  fc
    .string({ unit: fc.constantFrom(...'abks.é'), minLength: 5, maxLength: 20 })
    .map((text): Anchor => ({ field: 'f', place: 'contains', literal: text })),
  { minLength: 60, maxLength: 70 },
);
const FILLER = 'bsab.kas';

/** Checks one index on texts that hold its literals; how many anchors held. */
function checkFound(all: readonly Anchor[], texts: readonly string[]): number {
  const index = new FieldIndex(all.map((anchor, id) => ({ ...anchor, id })));
  let found = 0;
  for (const text of texts) {
    const ids = new Set<number>();
    index.search(text, (some) => some.forEach((id) => ids.add(id)));
    const wanted = all.flatMap((anchor, id) => (holds(anchor, text) ? [id] : []));
    found += wanted.length;
    expect([text, wanted.filter((id) => !ids.has(id))]).toEqual([text, []]);
    if (!/[^\0-\xff]/.test(text)) expect([text, [...ids].sort((a, b) => a - b)]).toEqual([text, wanted]);
  }
  return found;
}

describe('FieldIndex', () => {
  it('finds all anchors that hold, and no others in text of Latin-1', () => {
    let found = 0;
    fc.assert(
      fc.property(anchors, embeddings, (all, places) => {
        const literalOf = (number: number): string => (all[number % all.length] as Anchor).literal;
        found += checkFound(
          all,
          places.map(([before, number, after, chosen]) => respell(before + literalOf(number) + after, chosen)),
        );
      }),
      { numRuns: 1_000 },
    );
    expect(found).toBeGreaterThan(10_000);
  });

  it.each([0, 40])('finds them among many, in texts with %d times eight characters more', (times) => {
    let found = 0;
    fc.assert(
      fc.property(manyInfixes, embeddings, (all, places) => {
        const texts = places.map(([before, number, after, chosen], n) => {
          const filler = FILLER.repeat(times);
          const { literal: wanted } = all[number % all.length] as Anchor;
          return respell((n % 2 === 0 ? filler : '') + before + wanted + after + (n % 2 === 0 ? '' : filler), chosen);
        });
        found += checkFound(all, texts);
      }),
      { numRuns: 200 },
    );
    expect(found).toBeGreaterThan(1_000);
  });

  it('looks at numbers, booleans and the members of lists, and at nothing in objects', () => {
    const index = new FieldIndex([
      { field: 'f', place: 'equals', literal: '4688', id: 0 },
      { field: 'f', place: 'equals', literal: 'true', id: 1 },
      { field: 'f', place: 'present', literal: '', id: 2 },
      { field: 'f', place: 'startswith', literal: '[', id: 3 },
    ]);
    const idsOf = (value: unknown): number[] => {
      const ids: number[] = [];
      index.search(value, (some) => ids.push(...some));
      return ids.sort((a, b) => a - b);
    };
    expect([idsOf(4688), idsOf(true), idsOf(['x', 4688, [true]]), idsOf({ a: 4688 }), idsOf(null)]).toEqual([
      [0, 2],
      [1, 2],
      [0, 2],
      [2],
      [2],
    ]);
  });
});
