import fc from 'fast-check';
import { readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import type { LinkedCorrelation } from './correlation-links';
import { CorrelationPlan } from './correlation-plan';
import { CorrelationRun } from './correlation-run';
import { SigmaMatcher } from './matcher';
import type { SigmaRecord } from './record';
import type { SigmaRule } from './rule';
import { compileSigma } from './rule-set';

const RULES = join(__dirname, '../../rules');
/** Text of all rules that are shipped. */
const shipped = (readdirSync(RULES, { recursive: true }) as string[])
  .filter((name) => name.endsWith('.yml'))
  .map((name) => readFileSync(join(RULES, name), 'utf8'));

const MODIFIERS = [
  ...['contains', 'startswith', 'endswith', 'all', 'cased', 'neq', 're', 'i', 'm', 's', 'cidr', 'exists', 'fieldref'],
  ...['lt', 'lte', 'gt', 'gte', 'windash', 'wide', 'utf16', 'utf16le', 'utf16be', 'base64', 'base64offset', 'expand'],
  ...['minute', 'hour', 'day', 'week', 'month', 'year', 'unheard', ''],
];
const FIELDS = ['Image', 'CommandLine', 'EventID', 'a.b', '', 'toString', '__proto__', 'event.type', 'x y', '"'];
const scalar = fc.oneof(
  fc.string(),
  fc.string({ unit: fc.constantFrom(...'ab*?\\-/%.()[]{}+^$|') }),
  fc.integer(),
  fc.double(),
  fc.constantFrom<unknown>(
    null,
    true,
    false,
    '',
    '*',
    '10.0.0.0/8',
    '::1/64',
    '%admins%',
    '2024-07-10T03:45:00Z',
    '(a+)+$',
  ),
);
const key = fc
  .tuple(fc.constantFrom(...FIELDS), fc.array(fc.constantFrom(...MODIFIERS), { maxLength: 3 }))
  .map(([field, modifiers]) => [field, ...modifiers].join('|'));
const selection = fc.oneof(
  fc.dictionary(key, fc.oneof(scalar, fc.array(scalar, { maxLength: 4 }), fc.dictionary(key, scalar, { maxKeys: 2 })), {
    maxKeys: 4,
  }),
  fc.array(fc.oneof(scalar, fc.dictionary(key, scalar, { maxKeys: 2 })), { maxLength: 3 }),
  scalar,
);
const condition = fc.oneof(
  fc.constantFrom(
    'a',
    'not a',
    'a and b',
    '1 of them',
    'all of a*',
    'a or not (b and a)',
    '1 of x*',
    'a and',
    '(',
    '',
    'a | count() > 3',
  ),
  fc.string({
    unit: fc.constantFrom('a', 'b', ' ', '(', ')', 'not ', 'and ', 'or ', '1 of ', 'all of ', 'them', '*', '|'),
  }),
);
/** Rules, sound and odd, as JSON, which is YAML too. */
const RULE = fc
  .record({
    title: fc.oneof(fc.constant('t'), scalar),
    id: fc.constantFrom('r1', 'r2'),
    logsource: fc.oneof(fc.constant({ product: 'windows' }), scalar),
    detection: fc.oneof(fc.record({ a: selection, b: selection, condition }), selection),
    level: fc.constantFrom('low', 'high', 'odd'),
  })
  .map((rule) => JSON.stringify(rule));
const TYPES = [
  'event_count',
  'value_count',
  'value_sum',
  'value_percentile',
  'value_median',
  'temporal',
  'temporal_ordered',
];
const mostly = (arbitrary: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
  fc.oneof({ weight: 12, arbitrary }, { weight: 1, arbitrary: scalar });
const refs = mostly(fc.constantFrom(['r1'], ['r2', 'r1'], ['c1'], ['nobody', 'r1']));
const bound = mostly(fc.integer({ min: -1, max: 4 }));
/** Two rules with a correlation and a filter, sound and odd, in one file. */
const SEVERAL = fc
  .record({
    correlation: fc.record(
      {
        type: mostly(fc.constantFrom(...TYPES)),
        rules: refs,
        timespan: mostly(fc.constantFrom('1m', '2h', '0s', '1y')),
        'group-by': mostly(fc.subarray(FIELDS, { maxLength: 2 })),
        condition: fc.oneof(
          fc.record(
            {
              gte: bound,
              lt: bound,
              eq: bound,
              field: mostly(fc.subarray(FIELDS, { maxLength: 2 })),
              percentile: bound,
            },
            { requiredKeys: [] },
          ),
          fc.constantFrom<unknown>({ gte: 1 }, { field: 'CommandLine', gte: 1 }, { field: 'EventID', gt: -1e308 }),
          fc.constantFrom<unknown>('r1', 'r1 and not r2', 'c1 or', '(r1 or r2) and r1', 'not r1'),
          scalar,
        ),
        aliases: fc.dictionary(
          fc.constantFrom('who', '__proto__'),
          fc.dictionary(fc.constantFrom('r1', 'r2', 'r3'), fc.constantFrom(...FIELDS)),
        ),
        generate: mostly(fc.boolean()),
      },
      { requiredKeys: ['type', 'timespan'] },
    ),
    filter: fc.record(
      {
        rules: fc.oneof(fc.constantFrom<unknown>('any', 'r1'), refs),
        a: fc.oneof(selection, fc.constant({ Image: 'y' })),
        condition: fc.oneof(fc.constant('not a'), condition),
      },
      { requiredKeys: ['rules'] },
    ),
    suppress: fc.constantFrom('1m', '1', null),
  })
  .map(({ correlation, filter, suppress }) => {
    const logsource = { product: 'windows' };
    const detection = { a: { Image: 'x' }, condition: 'a' };
    const rules = ['r1', 'r2'].map((id) => ({ title: id, id, logsource, detection }));
    const others = [
      { title: 'c', id: 'c1', correlation, protego: { suppress } },
      { title: 'f', id: 'f1', logsource, filter },
    ];
    return [...rules, ...others].map((document) => `--- ${JSON.stringify(document)}\n`).join('');
  });
/** A shipped rule of which a piece was cut out, doubled or replaced. */
const MUTATED = fc
  .tuple(
    fc.constantFrom(...shipped),
    fc.array(fc.tuple(fc.nat(), fc.nat(30), fc.string({ maxLength: 8 })), { minLength: 1, maxLength: 4 }),
  )
  .map(([text, changes]) =>
    changes.reduce((changed, [at, cut, put]) => {
      const start = at % (changed.length + 1);
      return changed.slice(0, start) + put + changed.slice(start + cut);
    }, text),
  );

const EVENT = fc.dictionary(
  fc.oneof(fc.constantFrom(...FIELDS, 'Channel', 'a', 'b'), fc.string()),
  fc.oneof(
    scalar,
    fc.array(scalar, { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('b', 'c', ''), scalar),
    fc.string({ minLength: 500, maxLength: 3_000 }),
  ),
  { maxKeys: 8 },
);

/** How often correlations are raised when every event matches every rule. */
function raisedBy(
  linked: readonly LinkedCorrelation[],
  rules: readonly SigmaRule[],
  events: readonly SigmaRecord['data'][],
): number {
  if (linked.length === 0) return 0;
  const plan = new CorrelationPlan(linked, () => ['Image']);
  const run = new CorrelationRun(plan, 'every', { entriesMax: 3, keysMax: 5, allEntriesMax: 7 });
  return events.reduce((raised, data, n) => {
    const hits = plan.hitsOf(
      rules,
      { type: null, data },
      (text) => text,
      () => false,
    );
    return raised + run.step(hits, n * 10_000, [n, 'ehr', String(n)]).length;
  }, 0);
}

const RULES_TRIED = 10_000;
const EVENTS_TRIED = 100_000;
const EVENTS_A_MATCHER = 2_000;

describe('rules and events of all kinds', () => {
  it('are read or refused where they are wrong, and never thrown over', () => {
    let sound = 0;
    let refused = 0;
    const kinds = { correlations: 0, filters: 0, raised: 0 };
    const some = fc.sample(EVENT, { numRuns: 60, seed: 3 });
    const sample = fc.sample(fc.oneof(RULE, SEVERAL, MUTATED), { numRuns: RULES_TRIED, seed: 5 });
    const files = sample.map((text, i) => ({ path: `${i}.yml`, text }));
    const kept = files.filter((file) => {
      const { rules, correlations, linked, filters, problems, warnings } = compileSigma([file]);
      kinds.correlations += correlations.length;
      kinds.filters += filters.length;
      kinds.raised += raisedBy(linked, rules, some);
      for (const problem of [...problems, ...warnings.filter(({ message }) => !message.includes('is repeated'))]) {
        refused++;
        expect(problem.path).toBe(file.path);
        expect(problem.code).toMatch(/^SIGMA_/);
        // A file without any document has no place to point at.
        if (!problem.message.includes('holds no rule'))
          expect([problem.line, problem.column]).toEqual([expect.any(Number), expect.any(Number)]);
      }
      sound += rules.length + correlations.length;
      return rules.length > 0;
    });
    expect(sound).toBeGreaterThan(1_000);
    expect(refused).toBeGreaterThan(1_000);
    expect(Math.min(...Object.values(kinds))).toBeGreaterThan(100);
    const { rules } = compileSigma(kept.slice(0, 500));
    const events = fc.sample(EVENT, { numRuns: EVENTS_TRIED, seed: 7 });
    let matches = 0;
    for (let at = 0; at < events.length; at += EVENTS_A_MATCHER) {
      const some = rules.filter((_, i) => i % (EVENTS_TRIED / EVENTS_A_MATCHER) === at / EVENTS_A_MATCHER);
      const matcher = new SigmaMatcher(some, { ignoreLogsource: true });
      for (const data of events.slice(at, at + EVENTS_A_MATCHER)) {
        const found = matcher.match({ type: null, data });
        matches += found.length;
        expect(found.filter(({ failure }) => failure !== undefined)).toEqual([]);
      }
    }
    expect(matches).toBeGreaterThan(1_000);
  }, 300_000);
});
