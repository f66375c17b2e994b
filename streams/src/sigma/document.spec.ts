import { isProtegoError } from '@protego/contracts';
import { parseSigmaFile } from './document';
import type { SigmaRule } from './rule';
import { ruleText } from './testing';

function refusal(text: string): { code: string; message: string; details: unknown } {
  try {
    parseSigmaFile(text, 'rules/x.yml');
  } catch (error) {
    if (!isProtegoError(error)) throw error;
    return { code: error.code, message: error.message, details: error.details };
  }
  throw new Error('was accepted');
}

const DETECTION = 'selection:\n  A: 1\ncondition: selection';

describe('parseSigmaFile', () => {
  it('reads what a rule says of itself', () => {
    const rest = [
      'name: short_name',
      'level: high',
      'status: test',
      'description: |',
      '  Two lines',
      'falsepositives:',
      '  - Backup',
      'tags:',
      '  - attack.t1059.001',
      '  - attack.execution',
      '  - attack.ta0002',
      '  - attack.g0016',
      '  - cve.2021-44228',
      'protego:',
      '  why: "{user.uid} did it"',
      '  nextStep: Call.',
      '  harmlessExplanation: A test.',
      '  confidence: low',
      '  entities: [{ kind: person, field: user.uid }]',
      '',
    ].join('\n');
    const [rule] = parseSigmaFile(ruleText(DETECTION, rest), 'x.yml') as SigmaRule[];
    expect(rule).toMatchObject({
      kind: 'rule',
      id: 'test',
      name: 'short_name',
      title: 'Test',
      level: 'high',
      status: 'test',
      description: 'Two lines',
      falsePositives: ['Backup'],
      logsource: { product: 'windows' },
      attack: ['T1059.001', 'execution', 'TA0002'],
      path: 'x.yml',
      wording: {
        why: '{user.uid} did it',
        nextStep: 'Call.',
        harmlessExplanation: 'A test.',
        confidence: 'low',
        entities: [{ kind: 'person', field: 'user.uid' }],
      },
    });
  });

  it('reads how often a rule may raise in a quiet week of a ward', () => {
    const budgetOf = (rest: string): number | undefined =>
      (parseSigmaFile(ruleText(DETECTION, rest), 'x.yml') as SigmaRule[])[0]?.budgetPerWardWeek;
    expect(budgetOf('protego:\n  budget: 0.02\n')).toBe(0.02);
    expect(budgetOf('protego:\n  budget: 0\n')).toBe(0);
    expect(budgetOf('protego:\n  why: a\n')).toBeUndefined();
  });

  it('hashes content, not comments or the order of keys', () => {
    const hashOf = (text: string): string | undefined => parseSigmaFile(text, 'x.yml')[0]?.contentHash;
    const first = hashOf(`title: T\nlevel: low\ndetection:\n  a: {A: 1}\n  condition: a\n`);
    expect(first).toMatch(/^[0-9a-f]{64}$/);
    expect(hashOf(`# note\nlevel: low\ntitle: T\ndetection:\n  condition: a\n  a: {A: 1}\n`)).toBe(first);
    expect(hashOf(`title: T\nlevel: low\ndetection:\n  a: {A: 2}\n  condition: a\n`)).not.toBe(first);
    expect(hashOf(ruleText('a:\n  A: 18446744073709551615\ncondition: a'))).toMatch(/^[0-9a-f]{64}$/);
  });

  it('reads several documents and gives those without an id the path', () => {
    const text = `title: One\ndetection: {a: {A: 1}, condition: a}\n---\ntitle: Two\ndetection: {a: {A: 1}, condition: a}\n---\n`;
    expect(parseSigmaFile(text, 'x.yml').map(({ id }) => id)).toEqual(['x.yml', 'x.yml#2']);
  });

  it('joins a list of conditions with "or"', () => {
    const [rule] = parseSigmaFile(ruleText('a: {A: 1}\nb: {B: 1}\ncondition: [a, b]'), 'x.yml') as SigmaRule[];
    expect(rule?.detection.kind).toBe('or');
  });

  it.each([
    ['title: a\ntitle: b\n', 'SIGMA_YAML_INVALID', 2, 1],
    ['title: [a\n', 'SIGMA_YAML_INVALID', 2, 1],
    ['title: !odd a\n', 'SIGMA_YAML_INVALID', 1, 8],
    ['? [a]\n: b\n', 'SIGMA_YAML_INVALID', 1, 3],
    ['', 'SIGMA_RULE_INVALID', 1, 1],
    ['- a\n', 'SIGMA_RULE_INVALID', 1, 1],
    ['title: a\n', 'SIGMA_RULE_INVALID', 1, 1],
    ['title: a\nfilter: {}\n', 'SIGMA_FILTER_INVALID', 1, 1],
    [ruleText(DETECTION, 'level: awful\n'), 'SIGMA_RULE_INVALID', 5, 8],
    [ruleText(DETECTION, 'protego:\n  way: x\n'), 'SIGMA_RULE_INVALID', 6, 3],
    [ruleText(DETECTION, 'protego:\n  confidence: sure\n'), 'SIGMA_RULE_INVALID', 6, 15],
    [ruleText(DETECTION, 'protego:\n  entities: [{kind: person}]\n'), 'SIGMA_RULE_INVALID', 6, 14],
    [ruleText(DETECTION, 'protego:\n  budget: few\n'), 'SIGMA_RULE_INVALID', 6, 11],
    [ruleText(DETECTION, 'protego:\n  budget: -1\n'), 'SIGMA_RULE_INVALID', 6, 11],
    [ruleText(DETECTION, 'protego:\n  budget: 10001\n'), 'SIGMA_RULE_INVALID', 6, 11],
    [
      `title: f\nfilter: {rules: any, a: {A: 1}, condition: not a}\nprotego: {budget: 1}\n`,
      'SIGMA_FILTER_INVALID',
      3,
      19,
    ],
    [ruleText('a:\n  A|expand: "%x%"\ncondition: a'), 'SIGMA_PLACEHOLDER_UNKNOWN', 7, 15],
    [ruleText("a:\n  A|re: '('\ncondition: a"), 'SIGMA_REGEX_UNSUPPORTED', 7, 11],
    [ruleText('a:\n  A: [1, {B: 1}]\ncondition: a'), 'SIGMA_RULE_INVALID', 7, 12],
    [ruleText('a: {A: 1}\ncondition: b'), 'SIGMA_CONDITION_INVALID', 7, 14],
    [ruleText('a: {A: 1}'), 'SIGMA_CONDITION_INVALID', 6, 3],
    [ruleText('condition: a'), 'SIGMA_RULE_INVALID', 6, 3],
  ])('refuses %j with %s at line %i, column %i', (text, code, line, column) => {
    expect(refusal(text)).toMatchObject({ code, details: { path: 'rules/x.yml', line, column } });
  });

  it('bounds what aliases can multiply and how deep a document goes', () => {
    const bomb = ['a: &a [x, x, x, x, x, x, x, x, x, x]', ...'bcdefg'].map((row, at) => {
      const before = 'abcdef'[at - 1] ?? '';
      return row.length > 1 ? row : `${row}: &${row} [${Array(10).fill(`*${before}`).join(', ')}]`;
    });
    expect(refusal(`${bomb.join('\n')}\n`).message).toContain('more than 100000 values');
    expect(refusal(`title: ${'['.repeat(40)}${']'.repeat(40)}\n`).message).toContain('nested deeper');
  });
});
