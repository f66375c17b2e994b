import * as fc from 'fast-check';
import { canonicalJson } from '@protego/contracts';
import { parseRecordLine } from './record-json';

const codeOf = (text: string): string | undefined => {
  try {
    parseRecordLine(text);
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
};

describe('parseRecordLine', () => {
  it('keeps every digit of big integers, wherever they stand', () => {
    const big = fc.bigInt({ min: -(2n ** 80n), max: 2n ** 80n });
    const key = fc.string({ unit: fc.constantFrom('a', 'b', '"', '\\', ':', '1', 'é', ' '), maxLength: 6 });
    const record = fc.dictionary(key, fc.oneof(big, key, fc.array(big), fc.dictionary(key, big)), { maxKeys: 6 });
    const spaced = fc.constantFrom('', ' ');
    fc.assert(
      fc.property(record, spaced, (drawn, space) => {
        const text = write(drawn, space, (value) => String(value));
        expect(canonicalJson(parseRecordLine(text))).toBe(canonicalJson(JSON.parse(write(drawn, space, safe))));
      }),
    );
  });

  it.each([
    ['{"n":-9223372036854775808}', '-9223372036854775808'],
    ['{"n":9007199254740991}', 9_007_199_254_740_991],
    ['{"n":9007199254740993}', '9007199254740993'],
    ['{"n":1e400}', '1e400'],
    ['{"n":1E+16}', '1E+16'],
    ['{"n" : 12345678901234567890 }', '12345678901234567890'],
    ['{"n":1,"n":12345678901234567890}', '12345678901234567890'],
    ['{"m":"\\"n\\":1234","n":12345678901234567890}', '12345678901234567890'],
    ['{"n":0.1}', 0.1],
  ])('reads the number of %s', (text, expected) => {
    expect(parseRecordLine(text)['n']).toBe(expected);
  });

  it('leaves digits inside strings alone', () => {
    const text = '{"a":"\\\\\\": 12345678901234567890,","b":[12345678901234567890]}';
    expect(parseRecordLine(text)).toEqual({ a: '\\": 12345678901234567890,', b: ['12345678901234567890'] });
  });

  it('keeps a member called `__proto__`', () => {
    const record = parseRecordLine('{"__proto__":12345678901234567890}');
    expect(JSON.stringify(record)).toBe('{"__proto__":"12345678901234567890"}');
  });

  it.each([
    ['{"a":', 'EVENT_JSON_INVALID'],
    ['[1]', 'SOURCE_RECORD_INVALID'],
    ['null', 'SOURCE_RECORD_INVALID'],
    ['{"a":"\\ud800"}', 'EVENT_TEXT_INVALID'],
    ['{"a":[{"\\uDC00":1}]}', 'EVENT_TEXT_INVALID'],
    ['{"a":"\\ud83d\\ude00"}', undefined],
    [`{"a":${'['.repeat(30)}${']'.repeat(30)}}`, undefined],
    [`{"a":${'['.repeat(31)}${']'.repeat(31)}}`, 'EVENT_TOO_DEEP'],
    [`{"a":${'['.repeat(100_000)}${']'.repeat(100_000)}}`, 'EVENT_TOO_DEEP'],
  ])('judges %.40s', (text, code) => {
    expect(codeOf(text)).toBe(code);
  });

  it('accepts exactly the depth that an event can hold', () => {
    const nested = (levels: number): string => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(() => canonicalJson({ data: parseRecordLine(nested(30)) })).not.toThrow();
    expect(() => canonicalJson({ data: JSON.parse(nested(31)) as unknown })).toThrow();
  });
});

type Drawn = bigint | string | readonly bigint[] | Readonly<Record<string, unknown>>;

function write(value: Drawn | unknown, space: string, number: (value: bigint) => string): string {
  if (typeof value === 'bigint') return number(value);
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map((item) => write(item, space, number)).join(',')}]`;
  const members = Object.entries(value as object).map(
    ([key, member]) => `${JSON.stringify(key)}${space}:${space}${write(member, space, number)}`,
  );
  return `{${members.join(',')}}`;
}

const safe = (value: bigint): string =>
  value >= -(2n ** 53n) + 1n && value <= 2n ** 53n - 1n ? String(value) : `"${value}"`;
