import fc from 'fast-check';
import { Evaluator } from '../evaluator';
import { isFromLogsource, originsOf, routePartsOf } from '../logsource';
import { SigmaMatcher } from '../matcher';
import type { SigmaRecord } from '../record';
import type { SigmaRule } from '../rule';
import { compileSigma } from '../rule-set';

/** What lower case, folding and Latin-1 make trouble with: Kelvin, long s, dotted I, sharp s, both sigmas, micro, an emoji. */
const UNITS = [...'abcABC.\\', 'k', 'K', '\u212a', 's', 'ſ', 'İ', 'i', 'ß', 'é', 'É', 'ς', 'Σ', 'µ', 'ÿ', 'Ÿ', '😀'];
const word = fc.string({ unit: fc.constantFrom(...UNITS), maxLength: 5 });
/** Long ones, of which the tables hold a part only. */
const longWord = fc
  .tuple(fc.constantFrom('', 'x', 'System32\\drivers\\etc\\'), word)
  .map(([front, back]) => front + back);
const text = fc.oneof({ weight: 4, arbitrary: word }, longWord);
const value = fc.oneof(
  { weight: 6, arbitrary: text },
  fc.tuple(text, fc.constantFrom('*', '?', '*\\'), text).map((parts) => parts.join('')),
  fc.constantFrom<string | number | boolean | null>(1, 4688, 4.5, 1e21, true, false, null, '', '*', '?', '4688', '1.0'),
);
const FIELDS = ['f', 'g', 'a.b', 'Channel', 'EventID', 'User'];
const MODIFIERS = [
  ...['', '', '|contains', '|contains', '|startswith', '|endswith', '|contains|cased', '|cased', '|endswith|cased'],
  ...['|contains|all', '|gt', '|exists', '|fieldref', '|windash|contains', '|wide|base64offset|contains', '|neq'],
];
const PATTERNS = ['(?i)sa', 'k+a', '[aA]b|c', '(ſ|s)b', '^$', 'a.b', '(?i)Kb?c', 'é', '\\\\', 'a|'];
const field = fc.oneof(
  {
    weight: 8,
    arbitrary: fc
      .tuple(
        fc.constantFrom(...FIELDS),
        fc.constantFrom(...MODIFIERS),
        fc.array(value, { minLength: 1, maxLength: 10 }),
      )
      .map(([name, modifier, values]) => {
        if (modifier === '|exists') return { [name + modifier]: values.length > 5 };
        if (modifier === '|gt') return { [name + modifier]: values.length };
        if (modifier === '|fieldref') return { [name + modifier]: 'g' };
        const isText = modifier !== '' && modifier !== '|neq';
        return { [name + modifier]: isText ? values.map(String) : values };
      }),
  },
  fc
    .tuple(fc.constantFrom(...FIELDS), fc.constantFrom('|re', '|re|i'), fc.constantFrom(...PATTERNS))
    .map(([name, modifier, pattern]) => ({ [name + modifier]: pattern })),
);
const selection = fc.oneof(
  { weight: 5, arbitrary: fc.tuple(field, field).map(([one, other]) => ({ ...one, ...other })) },
  { weight: 3, arbitrary: field },
  { weight: 1, arbitrary: fc.array(text, { minLength: 1, maxLength: 3 }) },
);
const CONDITIONS = [
  'a',
  'a or b',
  'a and b',
  'not a',
  'a and not b',
  'not (a and b)',
  'not (a or not b)',
  '1 of them and not c',
];
const rule = fc.record({
  title: fc.constant('t'),
  logsource: fc.constantFrom(
    { product: 'windows' },
    { product: 'windows', service: 'security' },
    { category: 'process_creation' },
  ),
  detection: fc.record({ a: selection, b: selection, c: selection, condition: fc.constantFrom(...CONDITIONS) }),
});
const scalar = fc.oneof(
  { weight: 6, arbitrary: longWord },
  { weight: 6, arbitrary: word },
  fc.constantFrom<unknown>(1, 4688, 4.5, 1e21, true, false, null, 'xSa', '1.0'),
);
const member = fc.oneof({ weight: 5, arbitrary: scalar }, fc.array(scalar, { maxLength: 3 }));
/** What holds `b`, perhaps: null, an empty list and a missing field are three things to `exists`. */
const below = fc.record({ b: member }, { requiredKeys: [] });
const record = fc.record(
  {
    Channel: fc.constantFrom<unknown>(
      'Security',
      'security',
      'Microsoft-Windows-Sysmon/Operational',
      'Other',
      7,
      undefined,
    ),
    EventID: fc.constantFrom<unknown>(4688, '4688', 1, '1', 'x', undefined),
    f: member,
    g: member,
    a: fc.oneof(below, fc.array(fc.oneof({ weight: 5, arbitrary: below }, scalar), { maxLength: 3 })),
    User: scalar,
  },
  { requiredKeys: ['Channel', 'EventID'] },
);

/** Every rule in turn, as it stands. */
function inTurn(rules: readonly SigmaRule[]): (record: SigmaRecord) => SigmaRule[] {
  const evaluator = new Evaluator();
  const tests = rules.map((each) => ({ each, test: evaluator.compile(each.detection) }));
  return (each) => {
    const origins = originsOf(routePartsOf(each));
    evaluator.load(each);
    return tests.flatMap(({ each: { logsource }, each: found, test }) =>
      origins.some((origin) => isFromLogsource(logsource, origin)) && test() ? [found] : [],
    );
  };
}

describe('the plan of a route', () => {
  it('finds what each rule in turn finds, before and after it was made anew', () => {
    let matches = 0;
    fc.assert(
      fc.property(
        fc.array(rule, { minLength: 20, maxLength: 40 }),
        fc.array(record, { minLength: 50, maxLength: 50 }),
        (documents, records) => {
          const files = documents.map((document, i) => ({ path: `${i}.yml`, text: JSON.stringify(document) }));
          const { rules } = compileSigma(files);
          const matcher = new SigmaMatcher(rules);
          const expected = inTurn(rules);
          // Often enough that each route counts what it meets, and is planned anew.
          for (let pass = 0; pass < 8; pass++) {
            for (const data of records) {
              const wanted = expected({ type: null, data }).map(({ path }) => path);
              const found = matcher.match({ type: null, data });
              matches += found.length;
              expect([data, found.map(({ rule: { path } }) => path)]).toEqual([data, wanted]);
            }
          }
        },
      ),
      { numRuns: 60 },
    );
    expect(matches).toBeGreaterThan(8_000);
  }, 120_000);
});
