import { compileSigma } from './rule-set';

const rule = (head: string): string => `${head}logsource: {product: windows}\ndetection: {a: {A: 1}, condition: a}\n`;

describe('compileSigma', () => {
  it('keeps the good documents of a file when another is wrong', () => {
    const text = `${rule('title: A\nid: a\n')}---\ntitle: B\n---\n${rule('title: C\nid: c\n')}`;
    const { rules, problems } = compileSigma([{ path: 'x.yml', text }]);
    expect(rules.map(({ id }) => id)).toEqual(['a', 'c']);
    expect(problems).toEqual([
      { path: 'x.yml', code: 'SIGMA_RULE_INVALID', message: '`detection` is missing', line: 6, column: 1 },
    ]);
  });

  it('keeps the other files when one is not YAML or empty', () => {
    const { rules, problems } = compileSigma([
      { path: 'bad.yml', text: 'title: [' },
      { path: 'empty.yml', text: '# nothing\n' },
      { path: 'good.yml', text: rule('title: A\nid: a\n') },
    ]);
    expect(rules).toHaveLength(1);
    expect(problems.map(({ path, code }) => [path, code])).toEqual([
      ['bad.yml', 'SIGMA_YAML_INVALID'],
      ['empty.yml', 'SIGMA_RULE_INVALID'],
    ]);
  });

  it('warns of missing and repeated ids and of a missing log source, and works all the same', () => {
    const { rules, problems, warnings } = compileSigma([
      { path: 'one.yml', text: rule('title: A\n') },
      { path: 'two.yml', text: rule('title: B\nid: same\n') },
      { path: 'three.yml', text: rule('title: C\nid: same\n') },
      { path: 'four.yml', text: 'title: D\nid: d\ndetection: {a: {A: 1}, condition: a}\n' },
    ]);
    expect(problems).toEqual([]);
    expect(rules).toHaveLength(4);
    expect(rules[0]?.id).toBe('one.yml');
    expect(warnings.map(({ path, message }) => `${path}: ${message}`)).toEqual([
      'one.yml: `id` is missing, `one.yml` stands for it',
      'four.yml: `logsource` is missing: the rule matches no record',
      'three.yml: id `same` is repeated, first in `two.yml`',
    ]);
  });
});
