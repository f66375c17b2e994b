import { isProtegoError } from '@protego/contracts';
import { compileSigma } from './rule-set';
import { ruleText } from './testing';
import { contentHashOf, parseYamlTrees, plainOf } from './yaml-tree';

/** Message and place of what `read` refuses. */
function refusalOf(read: () => unknown): string {
  try {
    read();
  } catch (error) {
    if (!isProtegoError(error) || error.code !== 'SIGMA_YAML_INVALID') throw error;
    return `${String(error.details['line'])}:${String(error.details['column'])} ${error.message}`;
  }
  return 'accepted';
}

const refusalOfText = (text: string): string => refusalOf(() => parseYamlTrees(text, 'x.yml'));
const plainOfText = (text: string): unknown => JSON.parse(JSON.stringify(parseYamlTrees(text, 'x.yml').map(plainOf)));

/** Processor time of one document of 40,000 lines, in that of 400 documents of 100 lines. */
function costOfLength(documentOf: (lineCount: number) => string): number {
  const timeOf = (text: string): number => {
    const start = process.cpuUsage();
    parseYamlTrees(text, 'x.yml');
    const { user, system } = process.cpuUsage(start);
    return user + system;
  };
  const short = timeOf(`---\n${documentOf(100)}`.repeat(400));
  return timeOf(documentOf(40_000)) / short;
}

describe('aliases', () => {
  const strayAt = (place: string, alias: string): string =>
    `${place} alias \`${alias}\` has no anchor before it; a text that begins with \`*\` must stand in quotes`;

  it.each([
    ['a value', ruleText('a:\n  Image: *\\cmd.exe\ncondition: a'), '7:12', '*\\cmd.exe'],
    ['a value with blanks', ruleText('a:\n  Image: *\\Program Files\\x\ncondition: a'), '7:12', '*\\Program'],
    ['a value with a modifier', ruleText('a:\n  Image|endswith: *.exe\ncondition: a'), '7:21', '*.exe'],
    ['a lone star', ruleText('a:\n  Image: *\ncondition: a'), '7:12', '*'],
    ['a member', ruleText("a:\n  Image:\n    - 'x'\n    - *\\cmd.exe\ncondition: a"), '9:9', '*\\cmd.exe'],
    ['a member in a flow', ruleText('a:\n  Image: [x, *cmd]\ncondition: a'), '7:16', '*cmd'],
    ['a keyword', ruleText('a:\n  - *mimikatz*\ncondition: a'), '7:7', '*mimikatz*'],
    ['a selection', ruleText('a: *sel\ncondition: a'), '6:6', '*sel'],
    ['a condition', ruleText('a: {A: 1}\ncondition: *sel'), '7:14', '*sel'],
    ['a key', ruleText('a:\n  *Image : x\ncondition: a'), '7:5', '*Image'],
    ['a log source', 'title: a\nlogsource:\n  product: *win\n', '3:12', '*win'],
    ['a filter', 'title: a\nfilter:\n  rules: *any\n', '3:10', '*any'],
    ['a whole document', '*all\n', '1:1', '*all'],
    ['an anchor that stands after it', 'a: *x\nb: &x 1\n', '1:4', '*x'],
    ['an anchor of another document', 'a: &x 1\n---\na: *x\n', '3:4', '*x'],
  ])('without an anchor are refused as %s', (_, text, place, alias) => {
    expect(compileSigma([{ path: 'x.yml', text }]).rules).toEqual([]);
    expect(refusalOfText(text)).toBe(strayAt(place, alias));
  });

  it('mean the last anchor of their name that stands before them', () => {
    expect(plainOfText('a: &x [&y 1, *y]\nb: &y 2\nc: *x\nd: *y\n&k key: *k\n')).toEqual([
      { a: [1, 1], b: 2, c: [1, 1], d: 2, key: 'key' },
    ]);
  });

  it('take time in proportion to their number', () => {
    expect(costOfLength((count) => `a: &x 1\nb:\n${'  - *x\n'.repeat(count)}`)).toBeLessThan(4);
  }, 60_000);

  it('that stand in quotes, blocks and comments are none', () => {
    const text = 'a: \'*x\'\nb: "*x"\nc: |\n  *x\nd: >\n  *x\ne: y *x # *x\n';
    expect(plainOfText(text)).toEqual([{ a: '*x', b: '*x', c: '*x\n', d: '*x\n', e: 'y *x' }]);
  });
});

describe('depth', () => {
  const repeated = ['[', '{', '- ', '? ', '[{a: ', '- ? ', '- [', 'a: ['].flatMap((piece) =>
    [900, 5000, 50_000].map((length): [string, number] => [piece, length]),
  );

  it.each(repeated)('of %j, %i characters, is refused with its place', (piece, length) => {
    const text = piece.repeat(length / piece.length);
    const { problems } = compileSigma([
      { path: 'a', text },
      { path: 'b', text },
    ]);
    expect(problems).toMatchObject(
      ['a', 'b'].map((path) => ({
        path,
        code: 'SIGMA_YAML_INVALID',
        message: 'nested deeper than 30 levels',
        line: 1,
        column: expect.any(Number) as number,
      })),
    );
  });

  it('of indented blocks is refused with its place', () => {
    const rows = Array.from({ length: 1200 }, (_, level) => `${' '.repeat(level)}a:\n`);
    expect(refusalOfText(`${rows.join('')}b: 1\n`)).toBe('32:32 nested deeper than 30 levels');
    const mixed = Array.from({ length: 1200 }, (_, level) => `${'  '.repeat(level)}- a:\n`);
    expect(refusalOfText(`${mixed.join('')}b: 1\n`)).toBe('16:33 nested deeper than 30 levels');
  });

  it('is taken up to 30 levels and not beyond', () => {
    const flow = (levels: number): string => `${'['.repeat(levels)}x${']'.repeat(levels)}\n`;
    expect(refusalOfText(flow(30))).toBe('accepted');
    expect(refusalOfText(flow(31))).toBe('1:32 nested deeper than 30 levels');
    expect(refusalOfText(flow(32))).toBe('1:32 nested deeper than 30 levels');
  });

  it('does not grow by what stands in texts and comments, nor by what stands side by side', () => {
    const open = '[{'.repeat(100);
    const text = `a: '${open}'\nb: "${open}"\nc: |\n  ${open}\nd: >\n  ${open}\ne: x${open} # ${open}\n# ${open}\n`;
    expect(refusalOfText(text)).toBe('accepted');
    expect(refusalOfText(`a:\n${'  - [{a: [x]}]\n  - b: [y]\n'.repeat(1000)}`)).toBe('accepted');
  });
});

describe('keys', () => {
  it.each([
    ['in a block', 'a: 1\nb: 1\na: 2\n', '3:1 key `a` is repeated'],
    ['in a flow', 'x: {a: 1, b: 1, a: 2}\n', '1:17 key `a` is repeated'],
    ['a number and its text', '1: a\n"1": b\n', '2:1 key `1` is repeated'],
    ['two spellings of a number', '16: a\n0x10: b\n', '2:1 key `0x10` is repeated'],
    ['two spellings of null', '~: a\nnull: b\n', '2:1 key `null` is repeated'],
    ['two spellings of a boolean', 'true: a\nTrue: b\n', '2:1 key `True` is repeated'],
    ['that look like a merge', 'x: &x {a: 1}\ny:\n  <<: *x\n  <<: *x\n', '4:3 key `<<` is repeated'],
  ])('are refused at their second place: %s', (_, text, refusal) => {
    expect(refusalOfText(text)).toBe(refusal);
  });

  it('take time in proportion to their number', () => {
    const keys = (count: number): string => Array.from({ length: count }, (_, index) => `key-${index}: 1\n`).join('');
    expect(costOfLength(keys)).toBeLessThan(4);
  }, 60_000);
});

describe('places', () => {
  it.each([
    ['a value', '"a": "x"\nb: ["\\ud800"]\n', '2:5'],
    ['a key', 'a: 1\nb:\n  "\\udc00": 1\n', '3:3'],
    ['a value written out', 'a: 1\nb: x\ud800\n', '2:4'],
  ])('of a lone surrogate: %s', (_, text, place) => {
    const [tree] = parseYamlTrees(text, 'x.yml');
    expect(refusalOf(() => tree && contentHashOf(tree))).toBe(`${place} text holds a lone surrogate`);
  });

  it.each([
    ['a bad modifier', ruleText('a:\n  A|foo: [x, y]\ncondition: a'), 7, 5],
    ['a bad modifier over lines', ruleText('a:\n  A|foo:\n    - x\ncondition: a'), 7, 5],
    ['a bad modifier in a list', ruleText('a:\n  - B: 1\n    A|re|contains: x\ncondition: a'), 8, 7],
    ['a field without values', ruleText('a:\n  A: []\ncondition: a'), 7, 5],
    ['an unknown key', ruleText('a:\n  A: 1\ncondition: a', 'protego:\n  way: x\n'), 6, 3],
    ['a word of a block condition', ruleText('a: {A: 1}\ncondition: |\n  a and\n    nope or a'), 9, 7],
    ['a word of a folded condition', ruleText('a: {A: 1}\ncondition: >- # why\n\n  a and\n  not (a or nope)'), 10, 15],
    ['a word of a condition over lines', ruleText('a: {A: 1}\ncondition: a and\n  nope'), 8, 5],
    ['a word of a quoted condition', ruleText('a: {A: 1}\ncondition: "a and\n  nope or a"'), 8, 5],
    ['a word that is not expected', ruleText('a: {A: 1}\ncondition: |\n  a\n  a'), 9, 5],
    ['a condition that ends early', ruleText('a: {A: 1}\ncondition: |\n  a\n  and'), 7, 14],
    ['an empty file', '', 1, 1],
    ['a file of comments', '# a\n# b\n', 1, 1],
  ])('of %s', (_, text, line, column) => {
    expect(compileSigma([{ path: 'x.yml', text }]).problems).toMatchObject([{ path: 'x.yml', line, column }]);
  });
});
