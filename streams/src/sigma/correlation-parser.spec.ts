import { compileSigma } from './rule-set';
import type { SigmaCorrelation } from './correlation';

const RULE =
  'title: Base\nid: base\nname: base_name\nlogsource: {product: protego}\ndetection:\n  a: {A: 1}\n  condition: a\n';

function compile(correlation: string, head = ''): ReturnType<typeof compileSigma> {
  const text = `${RULE}---\ntitle: Many\nid: many\n${head}correlation:\n${correlation.replace(/^/gm, '  ')}\n`;
  return compileSigma([{ path: 'c.yml', text }]);
}

const COUNT = 'type: event_count\nrules: [base]\ngroup-by: [user.uid]\ntimespan: 5m\ncondition: {gte: 3}';

describe('parseCorrelation', () => {
  it('reads an event count', () => {
    const [correlation] = compile(COUNT, 'level: high\nprotego: {why: "{count} times"}\n').correlations;
    expect(correlation).toMatchObject<Partial<SigmaCorrelation>>({
      kind: 'correlation',
      id: 'many',
      level: 'high',
      type: 'event_count',
      ruleRefs: ['base'],
      groupBy: ['user.uid'],
      timespanMs: 300_000,
      condition: { gte: 3 },
      generate: false,
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
      field: 'patient.uid',
      condition: { gt: 1, lte: 9 },
      timespanMs: 1_209_600_000,
      generate: true,
    });
    expect(correlations[0]?.aliases['who']).toEqual(Object.assign(Object.create(null), { base_name: 'user.uid' }));
  });

  it.each([
    [COUNT.replace('event_count', 'temporal'), 'not supported yet'],
    [COUNT.replace('event_count', 'sum'), 'not known'],
    [COUNT.replace('5m', '5M'), 'no fixed length'],
    [COUNT.replace('5m', '1y'), 'no fixed length'],
    [COUNT.replace('5m', '0s'), 'between 1s and 366d'],
    [COUNT.replace('5m', '500d'), 'between 1s and 366d'],
    [COUNT.replace('5m', 'soon'), 'not a number and s, m, h, d or w'],
    [COUNT.replace('{gte: 3}', '{}'), 'compares with no number'],
    [COUNT.replace('{gte: 3}', '{gte: many}'), 'is not a number'],
    [COUNT.replace('{gte: 3}', '{gte: 10001}'), 'is beyond 10000'],
    [COUNT.replace('{gte: 3}', '{gte: 3, field: x}'), 'no meaning'],
    [COUNT.replace('event_count', 'value_count'), 'needs `field`'],
    [COUNT.replace('[base]', '[]'), 'names no rule'],
    [COUNT.replace('[base]', '[nobody]'), '`nobody` does not exist'],
    [`${COUNT}\naliases: {who: {other: x}}`, 'not in `rules`'],
    [`${COUNT}\nwindow: 5m`, '`window` is not known'],
  ])('refuses %j', (text, message) => {
    const { correlations, rules, problems } = compile(text);
    expect(correlations).toEqual([]);
    expect(rules).toHaveLength(1);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toMatchObject({ code: 'SIGMA_CORRELATION_INVALID', path: 'c.yml' });
    expect(problems[0]?.message).toContain(message);
  });

  it('refuses a correlation of a correlation', () => {
    const { problems } = compile(COUNT.replace('[base]', '[many]'));
    expect(problems[0]?.message).toContain('is a correlation');
  });
});
