import { compileSigma } from './rule-set';
import type { SigmaCorrelation } from './correlation';

const RULE =
  'title: Base\nid: base\nname: base_name\nlogsource: {product: protego}\ndetection:\n  a: {A: 1}\n  condition: a\n';

const OTHER = RULE.replaceAll('base', 'other').replace('name: other_name\n', '');
const manyOf = (count: number): string => `[${Array.from({ length: count }, (_, n) => `r${n}`).join()}]`;

function compile(correlation: string, head = ''): ReturnType<typeof compileSigma> {
  const text = `${RULE}---\n${OTHER}---\ntitle: Many\nid: many\n${head}correlation:\n${correlation.replace(/^/gm, '  ')}\n`;
  return compileSigma([{ path: 'c.yml', text }]);
}

const COUNT = 'type: event_count\nrules: [base]\ngroup-by: [user.uid]\ntimespan: 5m\ncondition: {gte: 3}';

describe('parseCorrelation', () => {
  it('reads an event count', () => {
    const [correlation] = compile(COUNT, 'level: high\nprotego: {why: "{count} times", suppress: 1h}\n').correlations;
    expect(correlation).toMatchObject<Partial<SigmaCorrelation>>({
      kind: 'correlation',
      id: 'many',
      level: 'high',
      type: 'event_count',
      ruleRefs: ['base'],
      groupBy: ['user.uid'],
      timespanMs: 300_000,
      fields: [],
      condition: { gte: 3 },
      generate: false,
      suppressMs: 3_600_000,
      wording: { why: '{count} times' },
    });
  });

  it('reads a value count with aliases, a range and a single rule by name', () => {
    const { correlations, problems } = compile(
      'type: value_count\nrules: base_name\ngroup-by: [who]\ntimespan: 2w\ngenerate: yes\n' +
        'condition: {field: patient.uid, gt: 1, lte: 9}\naliases:\n  who: {base_name: user.uid}',
    );
    expect(problems).toEqual([]);
    expect(correlations[0]).toMatchObject({
      fields: ['patient.uid'],
      condition: { gt: 1, lte: 9 },
      timespanMs: 1_209_600_000,
      generate: true,
      suppressMs: 0,
    });
    expect(correlations[0]?.aliases['who']).toEqual(Object.assign(Object.create(null), { base_name: 'user.uid' }));
  });

  it.each([
    ['value_sum', '{field: bytes, gt: -1.5}', { fields: ['bytes'], condition: { gt: -1.5 } }],
    ['value_avg', '{field: bytes, lt: 0.5, gte: 20000}', { condition: { lt: 0.5, gte: 20_000 } }],
    ['value_median', '{field: bytes, neq: 0}', { condition: { neq: 0 } }],
    ['value_percentile', '{field: bytes, percentile: 99.9, gte: 7}', { percentile: 99.9, condition: { gte: 7 } }],
    ['value_percentile', '{field: image, lte: 1}', { fields: ['image'], condition: { lte: 1 } }],
    ['value_count', '{field: [a, b, a], gte: 7}', { fields: ['a', 'b'] }],
    ['temporal', '{gte: 1, lt: 3}', { condition: { gte: 1, lt: 3 }, fields: [] }],
  ])('reads a %s with %s', (type, condition, expected) => {
    const text = `type: ${type}\nrules: [base, other]\ntimeframe: 1d\ncondition: ${condition}`;
    const { correlations, problems } = compile(text);
    expect(problems).toEqual([]);
    expect(correlations[0]).toMatchObject({ type, timespanMs: 86_400_000, ...expected });
  });

  it('asks a temporal correlation without a condition for every rule', () => {
    const { correlations } = compile('type: temporal_ordered\nrules: [base, other]\ntimespan: 1m');
    expect(correlations[0]).toMatchObject({ condition: { gte: 2 } });
  });

  it('reads a condition over rules, and takes the rules from it where none are given', () => {
    const expected = {
      kind: 'or',
      operands: [
        { kind: 'member', member: 0 },
        {
          kind: 'and',
          operands: [
            { kind: 'member', member: 1 },
            { kind: 'not', operand: { kind: 'member', member: 0 } },
          ],
        },
      ],
    };
    const condition = 'condition: base_name OR (other and not base_name)';
    for (const rules of ['rules: [base_name, other]\n', '']) {
      const { correlations, problems, warnings } = compile(`type: temporal\n${rules}timespan: 1m\n${condition}`);
      expect([problems, warnings]).toEqual([[], []]);
      expect(correlations[0]).toMatchObject({ ruleRefs: ['base_name', 'other'], memberCondition: expected });
    }
  });

  it('warns of a rule that has no part in the condition', () => {
    const { warnings } = compile('type: temporal\nrules: [base, other]\ntimespan: 1m\ncondition: base');
    expect(warnings).toMatchObject([
      { line: 20, message: 'rule `other` has no part in the condition of the correlation' },
    ]);
  });

  const TWO = 'type: temporal\nrules: [base, other]\ntimespan: 5m\ncondition: base and other';
  const SUM = 'type: value_sum\nrules: [base]\ntimespan: 5m\ncondition: {field: bytes, gt: 3}';
  it.each([
    [COUNT.replace('event_count', 'sum'), 'not one of event_count, value_count, value_sum'],
    [COUNT.replace('5m', '5M'), 'no fixed length'],
    [COUNT.replace('5m', '1y'), 'no fixed length'],
    [COUNT.replace('5m', '0s'), 'between 1s and 366d'],
    [COUNT.replace('5m', '500d'), 'between 1s and 366d'],
    [COUNT.replace('5m', 'soon'), 'not a number and s, m, h, d or w'],
    [`${COUNT}\ntimeframe: 5m`, 'give one'],
    [COUNT.replace('{gte: 3}', '{}'), 'compares with no number'],
    [COUNT.replace('{gte: 3}', '{gte: many}'), 'is not a number'],
    [COUNT.replace('{gte: 3}', '{gte: 10001}'), 'for no count from 1 to 10000'],
    [COUNT.replace('{gte: 3}', '{eq: 0}'), 'for no count from 1 to 10000'],
    [COUNT.replace('{gte: 3}', '{lt: 1}'), 'for no count from 1 to 10000'],
    [COUNT.replace('{gte: 3}', '{gt: 3, lt: 4}'), 'for no count from 1 to 10000'],
    [COUNT.replace('{gte: 3}', '{eq: 3, neq: 3}'), 'for no count from 1 to 10000'],
    [COUNT.replace('{gte: 3}', '{gte: 3, field: x}'), 'no meaning'],
    [COUNT.replace('{gte: 3}', '{gte: 3, percentile: 5}'), 'no meaning'],
    [COUNT.replace('{gte: 3}', 'base'), 'is not a mapping'],
    [COUNT.replace('event_count', 'value_count'), 'needs `field`'],
    [COUNT.replace('[base]', '[]'), 'names no rule'],
    [COUNT.replace('[base]', '[nobody]'), '`nobody` does not exist'],
    [`${COUNT}\naliases: {who: {other: x}}`, 'not in `rules`'],
    [`${COUNT}\naliases: {who: {stranger: x}}`, 'not in `rules`'],
    [`${COUNT}\nwindow: 5m`, '`window` is not known'],
    [SUM.replace('bytes', '[a, b]'), 'measures one field'],
    [SUM.replace('value_sum', 'value_percentile').replace('gt: 3', 'gt: 101'), 'from 0 to 100'],
    [SUM.replace('value_sum', 'value_percentile').replace('gt: 3', 'gt: 3, percentile: 0'), 'above 0, at most 100'],
    [SUM.replace('value_sum', 'value_percentile').replace('gt: 3', 'gt: 3, percentile: 99.9999'), 'three decimals'],
    [TWO.replace('base and other', '{gte: 3}'), 'for no count from 1 to 2'],
    [TWO.replace('base and other', 'base and'), 'ends too early'],
    [TWO.replace('base and other', 'base and stranger'), 'rule `stranger` does not exist'],
    [TWO.replace('base and other', 'base and not base'), 'never holds'],
    [TWO.replace('base and other', 'not base'), 'never holds'],
    [TWO.replace('base and other', '[base]'), 'is not a mapping'],
    [TWO.replace('temporal', 'temporal_ordered').replace('[base, other]', manyOf(17)), 'more than 16 members'],
  ])('refuses %j', (text, message) => {
    const { correlations, rules, problems } = compile(text);
    expect(correlations).toEqual([]);
    expect(rules).toHaveLength(2);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: 'SIGMA_CORRELATION_INVALID', path: 'c.yml' });
    expect(problems[0]?.line).toBeGreaterThanOrEqual(19);
    expect(problems[0]?.message).toContain(message);
  });

  it('refuses an ordered condition that holds in too many ways, and takes it where the order does not count', () => {
    const pairs = Array.from({ length: 7 }, (_, n) => `(r${2 * n} or r${2 * n + 1})`).join(' and ');
    const text = `type: temporal_ordered\ntimespan: 5m\ncondition: ${pairs}`;
    expect(compile(text).problems[0]?.message).toContain('more than 64 ways');
    expect(compile(text.replace('_ordered', '')).problems[0]?.message).toContain('does not exist');
  });

  it('refuses to hold back what a single rule finds', () => {
    const text = `${RULE}protego: {suppress: 1h}\n`;
    expect(compileSigma([{ path: 'c.yml', text }]).problems[0]?.message).toContain('for correlations only');
  });
});
