import fc from 'fast-check';
import { RE2JS } from 're2js';
import { compileRegex } from '../regex';
import { regexLengthMin, regexLiterals } from './regex-literals';

describe('regexLiterals', () => {
  it.each<[string, readonly string[] | undefined]>([
    ['foo', ['foo']],
    ['FOO\\.Exe', ['foo.exe']],
    ['.*foo.*', ['foo']],
    ['a.longer', ['longer']],
    ['(?i)foo|barr', ['foo', 'barr']],
    ['x(?:foo|bar)y', ['xfooy', 'xbary']],
    ['(?P<name>foo)+\\s*z', ['foo']],
    ['fo?o', ['fo', 'foo']],
    ['fo*bar', ['bar']],
    ['fo{2}bar', ['bar']],
    ['fo{1}bar', ['fobar']],
    ['ab{0,3}cd', ['cd']],
    ['[Aa]bc[xy]', ['abcx', 'abcy']],
    ['[a-z]bcd', ['bcd']],
    ['[^a]bcd', ['bcd']],
    ['[[:alpha:]]bcd', ['bcd']],
    ['[]a]bc', [']bc', 'abc']],
    ['[-a]bc', ['-bc', 'abc']],
    ['\\d+abc\\b', ['abc']],
    ['\\x41\\x{42}c', ['abc']],
    ['^\\\\\\\\abc$', ['\\\\abc']],
    ['a{b', ['a{b']],
    ['abc|', undefined],
    ['(abc)?', undefined],
    ['a', ['a']],
    ['é', undefined],
    ['\\pLabc', undefined],
    ['\\Qabc\\E', undefined],
    ['.', undefined],
  ])('%s', (pattern, literals) => {
    const found = regexLiterals(pattern);
    expect(found && [...found].sort()).toEqual(literals && [...literals].sort());
  });

  interface Sampled {
    readonly source: string;
    /** Mostly a text that matches. */
    readonly sample: string;
  }
  const leaves = [
    ...['ab', 'K', 's', 'xy', '1', 'é', '😀', 'x😀'].map((each) => [each, each]),
    ...[
      ['.', 'é'],
      ['\\d', '7'],
      ['\\w', 'S'],
      ['[ab]', 'b'],
      ['[^a]', 'ſ'],
      ['[A-C]', 'B'],
      ['\\.', '.'],
      ['\\x41', 'A'],
    ],
    ...[
      ['[[:digit:]]', '3'],
      ['^', ''],
      ['$', ''],
      ['\\b', ''],
      ['{', '{'],
      ['[]s]', ']'],
      ['[-k]', '-'],
      ['(?i)', ''],
    ],
  ].map(([source = '', sample = '']) => ({ source, sample }));
  const sampled = fc.letrec<{ any: Sampled }>((tie) => ({
    any: fc.oneof(
      { depthSize: 'medium', withCrossShrink: true },
      fc.constantFrom(...leaves),
      fc.tuple(tie('any'), tie('any')).map(([a, b]) => ({ source: a.source + b.source, sample: a.sample + b.sample })),
      fc
        .tuple(tie('any'), tie('any'), fc.constantFrom('(', '(?:', '(?P<n>', '(?i:'))
        .map(([a, b, open]) => ({ source: `${open}${a.source}|${b.source})`, sample: b.sample })),
      fc.tuple(tie('any'), fc.constantFrom('*', '?', '{0}', '{0,2}')).map(([a, many]) => ({
        source: `${a.source}${many}`,
        sample: [...a.sample].slice(0, -1).join(''),
      })),
      fc.tuple(tie('any'), fc.constantFrom('*', '+', '?', '{2}', '{0,1}', '{1,}', '+?')).map(([a, many]) => ({
        source: `(?:${a.source})${many}`,
        sample: many === '{2}' ? a.sample + a.sample : many.startsWith('{0') ? '' : a.sample,
      })),
    ),
  })).any;
  const spellings = (text: string): string[] => [
    text,
    text.toUpperCase(),
    text.replaceAll('K', '\u212a').replaceAll('s', 'ſ'),
    `é${text} 2`,
  ];

  it('are in every text that matches', () => {
    let matches = 0;
    fc.assert(
      fc.property(sampled, fc.boolean(), ({ source, sample }, isCased) => {
        const test = attempt(() => compileRegex(source, isCased ? [] : ['i'], { path: '', line: 1, column: 1 }));
        const literals = regexLiterals(source);
        if (test === undefined || literals === undefined) return;
        for (const each of spellings(sample)) {
          if (!test(each)) continue;
          matches++;
          const lower = each.toLowerCase().replaceAll('ſ', 's');
          expect([source, each, literals.some((literal) => lower.includes(literal))]).toEqual([source, each, true]);
        }
      }),
      { numRuns: 10_000 },
    );
    expect(matches).toBeGreaterThan(1_000);
  });

  it.each([
    ['a{2}[bc]\\d.', 5],
    ['(?:ab|cde)+x?', 2],
    ['(ab){3,9}', 6],
    ['a*|bb', 0],
    ['^\\s[a-f]{64}$', 65],
    ['\\pL', 0],
    ['(?i)é{0}ab', 2],
    ['^a😀?$', 1],
    ['cmd😀{0}x', 4],
    ['cmd(?i)*$', 0],
    ['evil(?i){0,2}', 0],
  ])('no match of %s is shorter than %d', (pattern, lengthMin) => expect(regexLengthMin(pattern)).toBe(lengthMin));

  it('no match is shorter than said', () => {
    let matches = 0;
    fc.assert(
      fc.property(sampled, fc.boolean(), ({ source, sample }, isCased) => {
        const regex = attempt(() => RE2JS.compile(source, isCased ? 0 : RE2JS.CASE_INSENSITIVE));
        if (regex === undefined) return;
        for (const text of [...spellings(sample), '', sample.slice(1)]) {
          if (!regex.test(text)) continue;
          matches++;
          expect([source, text, text.length >= regexLengthMin(source)]).toEqual([source, text, true]);
        }
      }),
      { numRuns: 10_000 },
    );
    expect(matches).toBeGreaterThan(1_000);
  });
});

/** Some of the patterns, such as two groups of one name, are none. */
function attempt<Result>(make: () => Result): Result | undefined {
  try {
    return make();
  } catch {
    return undefined;
  }
}
