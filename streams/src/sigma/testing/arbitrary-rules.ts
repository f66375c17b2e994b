import fc from 'fast-check';

const TEXTS = [
  'a',
  'A',
  'ab',
  'AB',
  'b',
  'a*',
  '*b',
  '?b',
  '*a*',
  '*',
  '',
  'K',
  'ſ',
  '1',
  '01',
  '1e3',
  'true',
  '10.1.2.3',
  'i\u0307',
  'İ',
  'aΣ',
  'ς',
];
/** The least numbers that a double cannot tell apart, the second as text only. */
const LARGE = [2 ** 53, '9007199254740993'];
const TIMES = ['2026-03-02T07:30:00Z', '2026-03-02', '2025-12-31T23:59:00+01:00'];
const field = fc.constantFrom('A', 'B', 'c.d');
const textKey = fc
  .tuple(
    field,
    fc.constantFrom(
      '',
      '|contains',
      '|startswith',
      '|endswith',
      '|cased',
      '|contains|cased',
      '|neq',
      '|startswith|cased',
    ),
  )
  .map((parts) => parts.join(''));
const values = <Value>(one: fc.Arbitrary<Value>): fc.Arbitrary<Value | Value[]> =>
  fc.oneof(one, fc.array(one, { minLength: 1, maxLength: 3 }));
const entry = fc.oneof(
  { weight: 6, arbitrary: fc.tuple(textKey, values(fc.constantFrom(...TEXTS))) },
  {
    weight: 3,
    arbitrary: fc.tuple(field, values(fc.constantFrom<unknown>(1, 1000, 0, true, false, null, 'a', 'ab', ...LARGE))),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      field.map((name) => `${name}|exists`),
      fc.boolean(),
    ),
  },
  {
    weight: 2,
    arbitrary: fc.tuple(
      fc.tuple(field, fc.constantFrom('lt', 'lte', 'gt', 'gte')).map((parts) => parts.join('|')),
      fc.constantFrom<unknown>(-1, 0, 1, 1.5, 2, 1000, ...LARGE),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      field.map((name) => `${name}|cidr`),
      values(fc.constantFrom('10.0.0.0/8', '10.1.0.0/16', '192.168.0.0/16', '::1/128')),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.tuple(field, fc.constantFrom('hour', 'hour|lt', 'hour|gte', 'day', 'year')).map((parts) => parts.join('|')),
      fc.constantFrom(0, 2, 7, 23, 24, 2026),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      field.map((name) => `${name}|re`),
      fc.constantFrom('^a', 'b$', '(?i)^AB$', '1'),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      field.map((name) => `${name}|fieldref`),
      field,
    ),
  },
);
const mapping = fc.array(entry, { minLength: 1, maxLength: 3 }).map((entries) => Object.fromEntries(entries) as object);
const selection = fc.oneof(
  { weight: 5, arbitrary: mapping },
  { weight: 1, arbitrary: fc.array(mapping, { minLength: 1, maxLength: 2 }) },
  { weight: 1, arbitrary: fc.array(fc.constantFrom('a', 'AB', '?b', 'x'), { minLength: 1, maxLength: 2 }) },
);
const condition = fc.letrec<{ any: string }>((tie) => ({
  any: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom('s', 't', 'u', '1 of them', 'all of them', 's and not t', 's and not 1 of them'),
    fc
      .tuple(tie('any'), fc.constantFrom('and', 'or'), tie('any'))
      .map(([left, word, right]) => `(${left} ${word} ${right})`),
    tie('any').map((inner) => `not (${inner})`),
  ),
})).any;

/** Sound rules over few fields and values, so that they often contradict themselves, as JSON, which is YAML too. */
export const ARBITRARY_RULE: fc.Arbitrary<string> = fc
  .record({ s: selection, t: selection, u: selection, condition })
  .map((detection) => JSON.stringify({ title: 'T', id: 'r', logsource: { product: 'windows' }, detection }));

const scalar = fc.constantFrom<unknown>(
  ...TEXTS.filter((text) => !/[*?]/.test(text)),
  ...TIMES,
  ...LARGE,
  0,
  1,
  1.2,
  1000,
  5,
  true,
  false,
  null,
);
const value = (holdsLists: boolean): fc.Arbitrary<unknown> =>
  holdsLists ? fc.oneof(scalar, fc.array(scalar, { maxLength: 3 }), fc.constant({})) : scalar;

/** Data of events over the same fields and values. */
export function arbitraryData(holdsLists: boolean): fc.Arbitrary<Record<string, unknown>> {
  return fc.record(
    { A: value(holdsLists), B: value(holdsLists), c: fc.record({ d: value(holdsLists) }, { requiredKeys: [] }) },
    { requiredKeys: [] },
  );
}
