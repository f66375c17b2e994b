import { compileSigma, type SigmaRuleSet } from './rule-set';

const rule = (id: string, name?: string): string =>
  `title: ${id}\nid: ${id}\n${name === undefined ? '' : `name: ${name}\n`}logsource: {product: x}\ndetection: {s: {F: 1}, condition: s}\n`;
const count = (id: string, refs: string, rest = ''): string =>
  `title: ${id}\nid: ${id}\ncorrelation:\n  type: event_count\n  timespan: 1m\n  condition: {gte: 2}\n  rules: ${refs}\n${rest}`;
const compile = (...files: readonly (readonly string[])[]): SigmaRuleSet =>
  compileSigma(files.map((documents, i) => ({ path: `${i}.yml`, text: documents.join('---\n') })));
const membersOf = ({ linked }: SigmaRuleSet): Record<string, string[]> =>
  Object.fromEntries(
    linked.map(({ correlation, members }) => [correlation.id, members.map(({ path, id }) => `${path} ${id}`)]),
  );

describe('linkCorrelations', () => {
  it('finds rules and correlations by id and by name, in the own file first, by id before name', () => {
    const set = compile(
      [rule('r1', 'signin'), rule('r2')],
      [rule('r3', 'signin'), count('c1', '[signin, r2]')],
      [count('c2', '[signin, c1]'), rule('signin')],
    );
    expect(set.problems).toEqual([]);
    expect(membersOf(set)).toEqual({
      c1: ['1.yml r3', '0.yml r2'],
      c2: ['2.yml signin', '1.yml c1'],
    });
  });

  it('warns where a name is that of several rules', () => {
    const set = compile([rule('r1', 'signin'), rule('r2', 'signin')], [count('c1', '[signin]')]);
    expect(membersOf(set)).toEqual({ c1: ['0.yml r1'] });
    expect(set.warnings).toMatchObject([{ path: '1.yml', line: 7, column: 11 }]);
    expect(set.warnings[0]?.message).toContain('names several rules');
  });

  it('puts each correlation after those that it is about', () => {
    const set = compile([count('top', '[middle, low]'), count('middle', '[low]'), count('low', '[r]'), rule('r')]);
    expect(set.correlations.map(({ id }) => id)).toEqual(['low', 'middle', 'top']);
  });

  it.each([
    [[count('c', '[r, nobody]')], [['rule `nobody` does not exist or was refused', 7, 14]]],
    [[count('c', '[r, r]')], []],
    [[count('c', '[r, called]')], [['rule `called` is the same rule as `r`', 7, 14]]],
    [
      [count('c', '[r]', '  aliases: {who: {other: f}}\n')],
      [['rule `other` has an alias, but is not in `rules`', 8, 26]],
    ],
    [[count('c', '[c]')], [['rule `c` leads round in a circle: `c` → `c`', 7, 11]]],
    [
      [count('a', '[r, b]'), count('b', '[a]'), count('c', '[b]')],
      [
        ['rule `b` leads round in a circle: `a` → `b` → `a`', 7, 14],
        ['rule `a` leads round in a circle: `b` → `a` → `b`', 15, 11],
        ['rule `b` leads round in a circle: `c` → `b` → `a` → `b`', 23, 11],
      ],
    ],
    [
      [count('a', '[nobody]'), count('b', '[a]')],
      [
        ['rule `nobody` does not exist or was refused', 7, 11],
        ['rule `a` is a correlation that was refused', 15, 11],
      ],
    ],
  ])('refuses %#, each with its place', (documents, expected) => {
    const { problems } = compile([...documents, rule('r', 'called'), rule('other')]);
    expect(
      problems.map(({ message, line, column }) => [message.replace(/^correlation `\w+`: /, ''), line, column]),
    ).toEqual(expected);
    for (const { code } of problems) expect(code).toBe('SIGMA_CORRELATION_INVALID');
  });

  it('chains as deep as is allowed, and no deeper', () => {
    const chain = Array.from({ length: 20 }, (_, n) => count(`c${n + 1}`, `[${n === 0 ? 'r' : `c${n}`}]`));
    const { correlations, problems } = compile([rule('r'), ...chain.toReversed()]);
    expect(correlations.map(({ id }) => id)).toEqual(Array.from({ length: 16 }, (_, n) => `c${n + 1}`));
    expect(problems).toHaveLength(4);
    for (const { message, line } of problems) {
      expect(message).toContain('deeper than 16');
      expect(line).toBeGreaterThan(0);
    }
  });

  it('ends with thousands of correlations in one circle', () => {
    const circle = Array.from({ length: 3_000 }, (_, n) => count(`c${n}`, `[c${(n + 1) % 3_000}]`));
    expect(compile(circle).problems).toHaveLength(3_000);
  });

  it('takes the fields of aliases by id or by name of the rule, whichever `rules` says', () => {
    const set = compile([
      rule('r1', 'first'),
      rule('r2', 'second'),
      count('c', '[r1, second]', '  aliases: {who: {first: f1, r2: f2}, where: {r1: g1}}\n'),
    ]);
    expect(set.linked[0]?.fieldsOf.map((fields) => ({ ...fields }))).toEqual([
      { who: 'f1', where: 'g1' },
      { who: 'f2' },
    ]);
  });
});
