import fc from 'fast-check';
import { SigmaMatcher } from './matcher';
import { correlationSilenceOf, silenceOf, type Silence } from './never-fires';
import { compileSigma } from './rule-set';
import { ARBITRARY_RULE, arbitraryData, onlyRule, ruleText } from './testing';

const TYPES = ['access.record-read', 'device.host-event-recorded'];

function silence(detection: string): Silence['kind'] | undefined {
  return silenceOf(onlyRule(ruleText(detection)))?.kind;
}

describe('silenceOf', () => {
  it.each([
    ['a selection and its own negation', 's:\n  A: x\ncondition: s and not s'],
    [
      'a filter that covers the selection',
      's:\n  A|endswith: \\cmd.exe\nf:\n  A|endswith: .exe\ncondition: s and not f',
    ],
    [
      'a filter of two fields, both covered',
      's:\n  A: x\n  B: y\nf:\n  A: [x, z]\n  B|startswith: y\ncondition: s and not f',
    ],
    ['every value filtered', 's:\n  A: [x, y]\nf:\n  A|re: "^x"\ng:\n  A: [x, y]\ncondition: s and not f and not g'],
    ['null and a value', 's:\n  A: null\nt:\n  A: x\ncondition: s and t'],
    ['missing and a value', 's:\n  A|exists: false\n  A|contains: x\ncondition: s'],
    ['there and missing', 's:\n  A|exists: false\nt:\n  A|exists: true\ncondition: s and t'],
    [
      'a block of addresses within a filtered one',
      's:\n  A|cidr: 10.1.0.0/16\nf:\n  A|cidr: 10.0.0.0/8\ncondition: s and not f',
    ],
    ['a range within a filtered one', 's:\n  A|gt: 5\nf:\n  A|gte: 5\ncondition: s and not f'],
    ['an hour that no day has', 's:\n  A|hour: 24\ncondition: s'],
    ['a keyword and the same as a filter', 's: [evil]\nf: [vil]\ncondition: s and not f'],
    [
      'selections that exclude each other',
      's:\n  A: x\nt:\n  B: y\nf:\n  A|startswith: x\ncondition: all of them and not f or (s and not s)',
    ],
    [
      'a pattern with regard to case within the same without',
      's:\n  A|cased: "a?b"\nf:\n  A: "a?b"\ncondition: s and not f',
    ],
    ['a boolean under a filter of its text', 's:\n  A: true\nf:\n  A: "true"\ncondition: s and not f'],
    ['any text as a filter', 's:\n  A: 5\nf:\n  A: "*"\ncondition: s and not f'],
    [
      'an equality against a regular expression with regard to case',
      's:\n  A: 10\nf:\n  A|re: "^1"\ncondition: s and not f',
    ],
  ])('proves that a rule contradicts itself: %s', (_, detection) => {
    expect(silence(detection)).toBe('contradiction');
  });

  it.each([
    ['two equalities', 's:\n  A: x\nt:\n  A: y\ncondition: s and t'],
    ['two numbers', 's:\n  A: 1\nt:\n  A: 2\ncondition: s and t'],
    ['a beginning and an equality', 's:\n  A: xyz\nt:\n  A|startswith: y\ncondition: s and t'],
    ['two beginnings', 's:\n  A|startswith: xy\nt:\n  A|startswith: xz\ncondition: s and t'],
    ['two endings, one with regard to case', 's:\n  A|endswith|cased: B\nt:\n  A|endswith: a\ncondition: s and t'],
    [
      'a range that is empty, beyond what doubles hold',
      's:\n  A|gt: 9007199254740993\nt:\n  A|lte: 9007199254740992\ncondition: s and t',
    ],
    ['an empty range', 's:\n  A|gt: 5\nt:\n  A|lt: 5\ncondition: s and t'],
    ['two blocks of addresses', 's:\n  A|cidr: 10.0.0.0/8\nt:\n  A|cidr: 192.168.0.0/16\ncondition: s and t'],
    ['an address outside a block', 's:\n  A: 8.8.8.8\nt:\n  A|cidr: 10.0.0.0/8\ncondition: s and t'],
    ['two hours', 's:\n  A|hour: 3\nt:\n  A|hour|gt: 4\ncondition: s and t'],
    ['all of a list', 's:\n  A|all: [x, y]\ncondition: s'],
  ])('proves that only a list can satisfy a rule: %s', (_, detection) => {
    expect(silence(detection)).toBe('list');
  });

  it.each([
    [
      'other casings than those a filter with regard to case names',
      's:\n  A: x\nf:\n  A|cased: x\ncondition: s and not f',
    ],
    ['other casings than those a pattern names', 's:\n  A: x\nf:\n  A|re: "^x$"\ncondition: s and not f'],
    [
      'a beginning in other case than a filter with regard to case names',
      's:\n  A|startswith: x\nf:\n  A|startswith|cased: x\ncondition: s and not f',
    ],
    ['a number that no text spells', 's:\n  A|cased: Infinity\nt:\n  A|gt: 5\ncondition: s and t'],
    [
      'a block of addresses with a part of it filtered',
      's:\n  A|cidr: 10.0.0.0/8\nf:\n  A|cidr: 10.0.0.0/16\ncondition: s and not f',
    ],
    ['a filter that covers a part', 's:\n  A: [x, y]\nf:\n  A: x\ncondition: s and not f'],
    ['a filter of another field', 's:\n  A: x\nf:\n  A: x\n  B: y\ncondition: s and not f'],
    ['null and an object that is there', 's:\n  A: null\n  A|exists: true\ncondition: s'],
    [
      'bounds that only text tells apart',
      's:\n  A|gt: 9007199254740992\nt:\n  A|lte: 9007199254740993\ncondition: s and t',
    ],
    [
      'bounds that are one to numbers',
      's:\n  A|gte: 9007199254740993\nt:\n  A|lte: 9007199254740992\ncondition: s and t',
    ],
    ['an exact bound', 's:\n  A|gte: 5\nt:\n  A|lte: 5\ncondition: s and t'],
    ['a contradiction in one branch', 's:\n  A: x\nt:\n  B: y\ncondition: (s and not s) or t'],
    ['the letter K and the sign of degrees Kelvin', 's:\n  A: k\nt:\n  A|endswith|cased: \u212a\ncondition: s and t'],
    ['a wildcard for one and for several characters', 's:\n  A: "?b"\nf:\n  A: ab\ncondition: s and not f'],
  ])('claims nothing of a rule that can fire: %s', (_, detection) => {
    expect(silence(detection)).toBeUndefined();
  });

  it.each([
    ['s:\n  A|cased: Infinity\nt:\n  A|gt: 5\ncondition: s and t', Number.POSITIVE_INFINITY],
    ['s:\n  A: k\nt:\n  A|endswith|cased: \u212a\ncondition: s and t', '\u212a'],
  ])('is right about odd values: %j matches %j', (detection, value) => {
    const matcher = new SigmaMatcher([onlyRule(ruleText(detection))], { ignoreLogsource: true });
    expect(matcher.match({ type: null, data: { A: value } })).toHaveLength(1);
  });

  it('says what contradicts what', () => {
    const rule = onlyRule(
      ruleText('s:\n  Image|endswith: \\cmd.exe\n  User: x\nf:\n  Image|endswith: .exe\ncondition: s and not f'),
    );
    expect(silenceOf(rule)?.reason).toBe(
      'no record satisfies the condition: it asks for `Image|endswith: \\cmd.exe` and it rules out `Image|endswith: .exe`',
    );
  });

  const reach = (logsource: string, detection = 's:\n  A: x\ncondition: s'): string | undefined =>
    silenceOf(onlyRule(ruleText(detection).replace('product: windows', logsource)), TYPES)?.kind;

  it.each([
    ['product: linux', 'unfed'],
    ['product: protego\n  category: access.record-raed', 'unfed'],
    ['product: protego\n  category: access.record-read', undefined],
    ['product: protego\n  service: access', undefined],
    ['product: protego\n  service: exchange', 'unfed'],
    ['product: windows\n  service: security', undefined],
    ['product: windows\n  service: sekurity', 'unfed'],
    ['product: windows\n  category: process_creation', undefined],
    ['category: process_creation', undefined],
    ['category: webserver', 'unfed'],
    ['product: zeek\n  service: anything', undefined],
    ['service: anything', undefined],
    ['product: aws\n  service: cloudtrail', undefined],
  ])('knows whether records reach `%s`: %s', (logsource, kind) => {
    expect(reach(logsource)).toBe(kind);
  });

  it('knows the channel and event id of a category', () => {
    const of = (line: string): string => `s:\n  ${line}\ncondition: s`;
    expect(reach('product: windows\n  category: process_creation', of('EventID: 4104'))).toBe('contradiction');
    expect(reach('product: windows\n  category: process_creation', of('EventID: 4688'))).toBeUndefined();
    expect(reach('product: windows\n  service: security', of('EventID: 4104'))).toBeUndefined();
    expect(reach('product: windows\n  service: security', of('Channel: System'))).toBe('contradiction');
    expect(reach('category: process_creation', of('Channel: System'))).toBe('contradiction');
    expect(reach('product: windows', of('Channel: Anything'))).toBeUndefined();
  });

  it('never calls a rule contradictory that a record of its log satisfies', () => {
    const channel = fc.constantFrom(
      'Security',
      'System',
      'Microsoft-Windows-Sysmon/Operational',
      'Windows PowerShell',
      'x',
    );
    const eventId = fc.constantFrom<unknown>(1, '1', 4688, '4688', 400, '01', 5);
    const logsource = fc.constantFrom<object>(
      { category: 'process_creation' },
      { product: 'windows', category: 'process_creation' },
      { product: 'windows', service: 'security' },
      { service: 'system' },
      { product: 'windows', category: 'file_access' },
      { product: 'windows', service: 'sysmon', category: 'process_creation' },
      { category: 'ps_classic_start' },
    );
    const ask = fc.record(
      {
        Channel: fc.oneof(channel, fc.array(channel, { minLength: 1, maxLength: 2 })),
        EventID: fc.oneof(eventId, fc.array(eventId, { minLength: 1, maxLength: 2 })),
        'EventID|gt': fc.constantFrom(1, 400, 5_000),
      },
      { requiredKeys: [] },
    );
    const listed = (one: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> =>
      fc.oneof(one, fc.array(one, { maxLength: 2 }));
    const data = fc.record({ Channel: listed(channel), EventID: listed(eventId) }, { requiredKeys: [] });
    const counts = { matched: 0, contradiction: 0 };
    fc.assert(
      fc.property(
        logsource,
        ask.filter((each) => Object.keys(each).length > 0),
        ask.filter((each) => Object.keys(each).length > 0),
        fc.constantFrom('s', 's and t', 's and not t', 'not s'),
        fc.array(data, { minLength: 30, maxLength: 30 }),
        (source, s, t, condition, events) => {
          const text = JSON.stringify({ title: 'T', id: 'r', logsource: source, detection: { s, t, condition } });
          const [rule] = compileSigma([{ path: 'r.yml', text }]).rules;
          if (rule === undefined) return;
          const kind = silenceOf(rule, TYPES)?.kind;
          const matcher = new SigmaMatcher([rule]);
          const isMatched = events.some((each) => matcher.match({ type: null, data: each }).length > 0);
          if (isMatched) expect(['contradiction', 'unfed']).not.toContain(kind);
          counts.matched += isMatched ? 1 : 0;
          counts.contradiction += kind === 'contradiction' ? 1 : 0;
        },
      ),
      { numRuns: 2_000, seed: 4 },
    );
    expect(Math.min(counts.matched, counts.contradiction)).toBeGreaterThan(50);
  });

  it('gives up on a condition that takes too long, and claims nothing of it', () => {
    const count = 40;
    const lines = Array.from(
      { length: count },
      (_, at) => `p${at}:\n  - A${at}: x\n    B${at}: y\n  - A${at}: z\n    C|contains: ${at}q`,
    );
    const filters = Array.from({ length: count }, (_, at) => `f${at}:\n  A${at}|re: "[xz]"\n  D|contains: ${at}`);
    expect(silence([...lines, ...filters, 'condition: all of p* and not 1 of f*'].join('\n'))).toBeUndefined();
  });

  it('never calls a rule contradictory that an event satisfies', () => {
    const counts = { matched: 0, contradiction: 0, list: 0 };
    fc.assert(
      fc.property(
        ARBITRARY_RULE,
        fc.array(fc.oneof(arbitraryData(false), arbitraryData(true)), { minLength: 20, maxLength: 20 }),
        (text, events) => {
          const [rule] = compileSigma([{ path: 'r.yml', text }]).rules;
          if (rule === undefined) return;
          const kind = silenceOf(rule)?.kind;
          if (kind === 'contradiction' || kind === 'list') counts[kind]++;
          const matcher = new SigmaMatcher([rule], { ignoreLogsource: true });
          const matching = events.filter((data) => matcher.match({ type: null, data }).length > 0);
          counts.matched += matching.length > 0 ? 1 : 0;
          if (matching.length > 0) expect(kind).not.toBe('contradiction');
          const hasList = (data: object): boolean => /\[/.test(JSON.stringify(data));
          if (matching.some((data) => !hasList(data))) expect(kind).toBeUndefined();
        },
      ),
      { numRuns: 5_000, seed: 11 },
    );
    expect(Math.min(counts.matched, counts.contradiction, counts.list)).toBeGreaterThan(50);
  }, 120_000);
});

describe('correlationSilenceOf', () => {
  const RULES = ['a', 'b', 'c']
    .map((id) => ruleText('s:\n  A: x\ncondition: s').replace('id: test', `id: ${id}`))
    .join('---\n');

  /** The reason, when the rules with the given ids can never fire. */
  function reason(correlation: string, dead: readonly string[] = []): string | undefined {
    const text = `${RULES}---\ntitle: C\nid: x\ncorrelation: { rules: [a, b, c], timespan: 1m, ${correlation} }\n`;
    const { linked, problems } = compileSigma([{ path: 'c.yml', text }]);
    expect(problems).toEqual([]);
    expect(linked).toHaveLength(1);
    return linked.map((link) => correlationSilenceOf(link, ({ id }) => dead.includes(id)))[0];
  }

  it.each([
    ['type: event_count, condition: { gte: 5 }', ['a', 'b', 'c'], /none of those/],
    ['type: event_count, condition: { gte: 5 }', ['a', 'b'], undefined],
    ['type: temporal', ['b'], /only 2 of the 3/],
    ['type: temporal', [], undefined],
    ['type: temporal, condition: { gte: 2 }', ['b'], undefined],
    ['type: temporal, condition: { gte: 2 }', ['b', 'c'], /only 1 of the 3/],
    ['type: temporal_ordered', ['a'], /only 2 of the 3/],
    ['type: temporal, condition: a and (b or c)', ['b', 'c'], /needs one that can never fire/],
    ['type: temporal, condition: a and (b or c)', ['b'], undefined],
    ['type: temporal, condition: a and b and not c', ['c'], undefined],
    ['type: value_count, group-by: [U], condition: { field: U, gte: 2 }', [], /each group has one value/],
    ['type: value_count, group-by: [U], condition: { field: U, gte: 1 }', [], undefined],
    ['type: value_count, group-by: [U], condition: { field: V, gte: 2 }', [], undefined],
    ['type: value_count, group-by: [U], condition: { field: [U, V], gte: 2 }', [], undefined],
  ])('of { %s } when %j never fire', (correlation, dead, expected) => {
    if (expected === undefined) expect(reason(correlation, dead)).toBeUndefined();
    else expect(reason(correlation, dead)).toMatch(expected);
  });
});
