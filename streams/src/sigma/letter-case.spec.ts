import fc from 'fast-check';
import { foldCase } from './letter-case';
import { SigmaMatcher } from './matcher';
import { compileSigma } from './rule-set';

const isFound = (detection: string, data: Record<string, unknown>): boolean => {
  const text = `title: t\nid: 8d9a0b52-9a4c-4e57-9a3e-0d1f6a6f2c11\nlogsource: { product: windows }\ndetection: { s: { ${detection} }, condition: s }\n`;
  const { rules, problems } = compileSigma([{ path: 'case.yml', text }]);
  expect(problems).toEqual([]);
  return new SigmaMatcher(rules, { ignoreLogsource: true }).match({ type: null, data }).length > 0;
};

describe('foldCase', () => {
  it('keeps the length of every text', () => {
    for (let code = 0; code <= 0x10ffff; code++) {
      if (code >= 0xd800 && code < 0xe000) continue;
      const character = String.fromCodePoint(code);
      if (foldCase(character).length !== character.length) throw new Error(`U+${code.toString(16)} changes its length`);
    }
  });

  it('folds a part of a text as it does in the whole', () => {
    const text = fc.string({ unit: fc.constantFrom(...'aAΣσς İi̇ıßſK😀.'), maxLength: 12 });
    fc.assert(
      fc.property(text, text, (left, right) => {
        expect(foldCase(left + right)).toBe(foldCase(left) + foldCase(right));
        expect(foldCase(foldCase(left))).toBe(foldCase(left));
      }),
    );
  });
});

describe('letter case in rules', () => {
  it.each([
    ["A|contains: 'ΟΔΟΣ'", 'ΟΔΟΣΑ'],
    ["A|startswith: 'ΟΔΟΣ'", 'οδοσα'],
    ["A: 'ΟΔΟΣ*'", 'ΟΔΟΣΑ'],
    ["A|contains: 'ΑΣ'", 'xασy'],
    ["A: 'ας'", 'ασ'],
    ["A: 'ΑΣ'", 'ας'],
    ["A: '?stanbul'", 'İstanbul'],
    ["A|endswith: 'İR'", 'Bİr'],
  ])('%s is found in %s', (detection, value) => {
    expect(isFound(detection, { A: value })).toBe(true);
  });

  it('tells sigmas apart where case counts', () => {
    expect(isFound("A|cased: 'ας'", { A: 'ασ' })).toBe(false);
  });
});
