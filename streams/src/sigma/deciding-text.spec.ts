import { decidingText } from './deciding-text';
import { compileSigma } from './rule-set';

const RULE = `title: T
id: t
logsource: { product: windows }
detection:
  s:
    A: x
  condition: s
`;
const WORDS = `protego:
  why: somebody did it
`;
const CASES = `  cases:
    - name: one
      match: true
      event:
        data: { A: x }

    # A remark.
    - name: two
      match: false
      event: { data: { A: y } }
`;
const decides = (text: string): string => decidingText({ path: 'r.yml', text });
const hashOf = (text: string): string | undefined =>
  compileSigma([{ path: 'r.yml', text }]).rules.map(({ contentHash }) => contentHash)[0];

describe('decidingText', () => {
  it('is the text itself where there are no cases', () => {
    for (const text of [RULE, RULE + WORDS, '', 'cases: [', `${RULE}---\n${RULE}`, RULE.replaceAll('s', 'cases')])
      expect(decides(text)).toBe(text);
  });

  it.each([
    ['cases are added to a key', RULE + WORDS, RULE + WORDS + CASES],
    ['cases come with their key', RULE, `${RULE}protego:\n${CASES}`],
    [
      'the items are not indented',
      RULE + WORDS,
      `${RULE}${WORDS}  cases:\n  - name: one\n    match: true\n    event: { data: {} }\n`,
    ],
    ['cases stand before other words', `${RULE}protego:\n  why: a\n`, `${RULE}protego:\n${CASES}  why: a\n`],
    [
      'lines end as on Windows',
      (RULE + WORDS).replaceAll('\n', '\r\n'),
      (RULE + WORDS + CASES).replaceAll('\n', '\r\n'),
    ],
    [
      'there are several documents',
      `${RULE}---\n${RULE}${WORDS}`,
      `${RULE}protego:\n${CASES}---\n${RULE}${WORDS}${CASES}`,
    ],
    ['a budget is added', RULE + WORDS, `${RULE}${WORDS}  budget: 2\n`],
    ['a budget comes with its key', RULE, `${RULE}protego:\n  budget: 0.25 # few\n`],
    ['a budget comes with cases', RULE + WORDS, `${RULE}${WORDS}  budget: 1\n${CASES}`],
  ])('stays when %s', (_, without, withCases) => {
    expect(decides(withCases)).toBe(without);
    expect(hashOf(withCases)).toBe(hashOf(without));
    expect(hashOf(without)).toBeDefined();
  });

  it.each([
    ['in one line', `${RULE}protego: { why: a, cases: [{ name: one }] }\n`, `${RULE}protego: { why: a, cases: [] }\n`],
    [
      'beside a text that looks like cases',
      `${RULE}description: |\n  cases:\n    - a\nprotego:\n${CASES}`,
      `${RULE}description: |\n  cases:\n    - a\nprotego:\n  cases: [1]\n`,
    ],
    [
      'beside a selection of that name',
      `${RULE.replace('  s:\n', '  cases:\n').replace(': s', ': cases')}protego:\n${CASES}`,
      `${RULE.replace('  s:\n', '  cases:\n').replace(': s', ': cases')}protego:\n  cases: []\n`,
    ],
    [
      'in one line with a budget',
      `${RULE}protego: { why: a, budget: 3, cases: [{ name: one }] }\n`,
      `${RULE}protego: { why: a, budget: 4 }\n`,
    ],
    [
      'beside a selection about a budget',
      `${RULE.replace('A: x', 'budget: 3\n    A: x')}protego:\n${CASES}`,
      `${RULE.replace('A: x', 'budget: 3\n    A: x')}protego:\n  budget: 3\n`,
    ],
  ])('is blind to cases %s as well', (_, one, other) => {
    expect(decides(one)).toBe(decides(other));
    expect(decides(one)).not.toBe(decides(one.replace('A: x\n  condition', 'A: z\n  condition')));
  });

  it('is not blind to a budget that is none of a rule', () => {
    const asking = (budget: number): string => RULE.replace('A: x', `budget: ${budget}`);
    expect(decides(asking(3))).not.toBe(decides(asking(4)));
    expect(decides(asking(3))).toBe(asking(3));
  });

  it('counts what a rule takes over from a case', () => {
    const text = (value: string): string =>
      `title: T\nid: t\nlogsource: { product: windows }\nprotego:\n  cases:\n    - &shared { A: ${value} }\ndetection:\n  s: *shared\n  condition: s\n`;
    expect(hashOf(text('x'))).toBeDefined();
    expect(decides(text('x'))).not.toBe(decides(text('y')));
    expect(hashOf(text('x'))).not.toBe(hashOf(text('y')));
  });

  it('returns a text that is no YAML, or whose cases are too many to be read, as it is', () => {
    for (const text of [`${RULE}protego:\n  cases: [\n`, `${RULE}protego:\n  cases: [${'0,'.repeat(100_001)}]\n`])
      expect(decides(text)).toBe(text);
  });

  it('changes with every other change', () => {
    const text = RULE + WORDS + CASES;
    for (const [from, to] of [
      ['A: x', 'A: z'],
      ['did it', 'did'],
      ['title: T', 'title: U'],
      ['protego', 'x-protego'],
    ] as const)
      expect(decides(text.replace(from, to))).not.toBe(decides(text));
  });
});

describe('cases of a rule', () => {
  it('refuse no rule, however wrong they are', () => {
    for (const cases of ['5', '[5]', '{}', '[{ nonsense: 1 }]'])
      expect(compileSigma([{ path: 'r.yml', text: `${RULE}protego:\n  cases: ${cases}\n` }])).toMatchObject({
        rules: [{ id: 't' }],
        problems: [],
        warnings: [],
      });
  });
});
