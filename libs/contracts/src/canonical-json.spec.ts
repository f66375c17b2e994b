import canonicalize from 'canonicalize';
import fc from 'fast-check';
import { JSON_DEPTH_MAX, canonicalJson } from './canonical-json';

const codeOf = (value: unknown): string | undefined => {
  try {
    canonicalJson(value);
    return undefined;
  } catch (error) {
    return (error as { code: string }).code;
  }
};
function nested(levels: number, wrap: (inner: unknown) => unknown = (inner) => [inner]): unknown {
  let value: unknown = 1;
  for (let level = 0; level < levels; level++) value = wrap(value);
  return value;
}
const json = fc.letrec((tie) => ({
  value: fc.oneof(
    { maxDepth: 6, withCrossShrink: true },
    fc.string({ unit: 'binary' }),
    fc.double({ noNaN: true, noDefaultInfinity: true, min: -1e15, max: 1e15 }),
    fc.maxSafeInteger(),
    fc.boolean(),
    fc.constant(null),
    fc.array(tie('value'), { maxLength: 4 }),
    fc.dictionary(
      fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('__proto__', 'constructor', '10', '9')),
      tie('value'),
      {
        maxKeys: 5,
      },
    ),
  ),
})).value;

describe('canonicalJson', () => {
  it('sorts keys by UTF-16 code units and writes numbers as ECMAScript does (RFC 8785, 3.2)', () => {
    const value = {
      '\u20ac': 'Euro',
      '\r': 'CR',
      '\ufb33': 'dalet',
      1: 'one',
      '\u{1f600}': 'smile',
      '\u0080': 'control',
      '\u00f6': 'o',
    };
    expect(canonicalJson(value)).toBe(
      '{"\\r":"CR","1":"one","\u0080":"control","\u00f6":"o","\u20ac":"Euro","\u{1f600}":"smile","\ufb33":"dalet"}',
    );
    expect(canonicalJson([-0, 0.002, 1e-27, 333333333.3333333, 4.5, 123456789012345])).toBe(
      '[0,0.002,1e-27,333333333.3333333,4.5,123456789012345]',
    );
    expect(canonicalJson('\u20ac$\u000f\nA\'B"\\\\"/')).toBe('"\u20ac$\\u000f\\nA\'B\\"\\\\\\\\\\"/"');
  });

  it('equals the text of the package `canonicalize`', () => {
    fc.assert(
      fc.property(json, (value) => expect(canonicalJson(value)).toBe(canonicalize(value))),
      { numRuns: 500 },
    );
  });

  it('gives back the same value, and the same text from a value whose keys stand in another order', () => {
    const reversed = (value: unknown): unknown => {
      if (Array.isArray(value)) return value.map(reversed);
      if (value === null || typeof value !== 'object') return value;
      return Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, member]) => [key, reversed(member)]),
      );
    };
    fc.assert(
      fc.property(json, (value) => {
        const text = canonicalJson(value);
        expect(canonicalJson(JSON.parse(text))).toBe(text);
        expect(canonicalJson(reversed(value))).toBe(text);
      }),
    );
  });

  it('writes the same keys the same way again, however many there were between', () => {
    const value = { 'a"b': 1, é: 2, ['k'.repeat(100)]: 3, plain: 4 };
    const text = canonicalize(value);
    for (let n = 0; n < 10_000; n++) canonicalJson({ [`key-${n}`]: n, plain: '' });
    for (let n = 0; n < 3; n++) expect(canonicalJson(value)).toBe(text);
  });

  it.each(['', '"', '\\', '\u007f', '\u001f', '~ !#[]', 'x'.repeat(64), 'x'.repeat(65), `${'x'.repeat(63)}"`])(
    'writes the text %j as JSON.stringify does',
    (text) => expect(canonicalJson({ [text]: text })).toBe(JSON.stringify({ [text]: text })),
  );

  it('treats undefined as JSON.stringify does', () => {
    expect(canonicalJson({ a: undefined, b: [undefined] })).toBe('{"b":[null]}');
  });

  it.each([
    ['NaN', Number.NaN],
    ['infinity', { a: [Number.NEGATIVE_INFINITY] }],
    ['2^53', 2 ** 53],
    ['-2^53', [-(2 ** 53)]],
    ['1e300', 1e300],
  ])('refuses %s, which JSON cannot carry exactly', (_, value) => expect(codeOf(value)).toBe('EVENT_NUMBER_UNSAFE'));

  it('takes the greatest safe integers', () => {
    expect(canonicalJson([2 ** 53 - 1, 1 - 2 ** 53])).toBe('[9007199254740991,-9007199254740991]');
  });

  it.each([
    ['in a text', 'a\ud800'],
    ['in a key', { '\udc00': 1 }],
    ['out of order', ['\udc00\ud800']],
  ])('refuses a lone surrogate %s', (_, value) => expect(codeOf(value)).toBe('EVENT_TEXT_INVALID'));

  it('takes 32 levels and refuses 33, of arrays and of objects', () => {
    const wrap = (inner: unknown): unknown => ({ inner });
    expect(codeOf(nested(JSON_DEPTH_MAX))).toBeUndefined();
    expect(codeOf(nested(JSON_DEPTH_MAX, wrap))).toBeUndefined();
    expect(codeOf(nested(JSON_DEPTH_MAX + 1))).toBe('EVENT_TOO_DEEP');
    expect(codeOf(nested(JSON_DEPTH_MAX + 1, wrap))).toBe('EVENT_TOO_DEEP');
    expect(codeOf(nested(100_000))).toBe('EVENT_TOO_DEEP');
  });

  it.each([[undefined], [1n], [() => 1], [Symbol('x')]])('refuses %p, which has no JSON form', (value) => {
    expect(codeOf(value)).toBe('EVENT_JSON_INVALID');
  });
});
