import { SigmaMatcher } from './matcher';
import { compileSigma } from './rule-set';
import { ruleText, selectionMatches } from './testing';

type Row = [selection: string, data: Record<string, unknown>, expected: boolean];

function check(rows: readonly Row[]): void {
  it.each(rows)('%s on %j is %s', (selection, data, expected) => {
    expect(selectionMatches(selection, data)).toBe(expected);
  });
}

/** Detection with one selection, given as lines of YAML. */
const detectionOf = (selection: string): string =>
  `selection:\n${selection.replace(/^/gm, '  ')}\ncondition: selection`;

describe('text values', () => {
  check([
    ['Image: CMD.exe', { Image: 'cmd.EXE' }, true],
    ['Image|cased: CMD.exe', { Image: 'cmd.exe' }, false],
    ['Image|cased|contains: CMD', { Image: 'xCMDx' }, true],
    ['image: cmd.exe', { Image: 'cmd.exe' }, false],
    ["Image: '*\\cmd.exe'", { Image: 'C:\\cmd.exe' }, true],
    ["Image: 'c?d'", { Image: 'cmd' }, true],
    ["Image: 'c?d'", { Image: 'cd' }, false],
    ["Image: 'a\\*b'", { Image: 'a*b' }, true],
    ["Image: 'a\\*b'", { Image: 'axb' }, false],
    ['Image|contains: md', { Image: 'cmd.exe' }, true],
    ['Image|startswith: cmd', { Image: 'cmd.exe' }, true],
    ['Image|endswith: cmd', { Image: 'cmd.exe' }, false],
    ['Image: [a, b]', { Image: 'b' }, true],
    ['Line|contains|all: [a, b]', { Line: 'xbxa' }, true],
    ['Line|contains|all: [a, b]', { Line: 'xb' }, false],
    ['Image|neq: a', { Image: 'b' }, true],
    ['Image|neq: a', { Image: 'A' }, false],
    ['Image|neq: a', {}, true],
    ["Image: ''", { Image: '' }, true],
    ["Image: ''", {}, false],
    ["Image: '*'", { Image: '' }, true],
    ["Image: '*'", { Image: null }, false],
    ['Image: a', { Image: ['b', 'A'] }, true],
    ['constructor: "*"', {}, false],
    ['toString|exists: true', {}, false],
  ]);
});

describe('placeholders', () => {
  const placeholders = new Map([
    ['admins', ['root', 'adm*']],
    ['hosts', ['dc1', 'dc2']],
    ['blocks', ['10.0.0.0/8', '192.168.0.0/16']],
    ['none', []],
    ['odd', ['%admins%']],
    ['stars', ['*']],
  ]);
  const matches = (selection: string, data: Record<string, unknown>): boolean => {
    const { rules, problems } = compileSigma([{ path: 'a.yml', text: ruleText(detectionOf(selection)) }], {
      placeholders,
    });
    expect(problems).toEqual([]);
    return new SigmaMatcher(rules, { ignoreLogsource: true }).match({ type: null, data }).length > 0;
  };

  it.each<[string, Record<string, unknown>, boolean]>([
    ["A|expand: '%admins%'", { A: 'ROOT' }, true],
    ["A|expand: '%admins%'", { A: 'administrator' }, true],
    ["A|expand: '%admins%'", { A: 'ann' }, false],
    ["A|expand: ['%none%', bob]", { A: 'Bob' }, true],
    ["A|cased|expand: ['%none%', bob]", { A: 'Bob' }, false],
    ["A|contains|expand: '\\\\%hosts%\\c$'", { A: 'open \\\\dc2\\C$\\x' }, true],
    ["A|expand: '%admins%@%hosts%'", { A: 'root@dc2' }, true],
    ["A|expand: '%admins%@%hosts%'", { A: 'dc2@root' }, false],
    ["A|expand: 'C:\\Users\\%admins%\\x'", { A: 'c:\\users\\root\\x' }, true],
    ["A|expand: '100%'", { A: '100%' }, true],
    ["A: '%admins%'", { A: 'root' }, false],
    ["A: '%admins%'", { A: '%admins%' }, true],
    ["A|expand: '%odd%'", { A: '%admins%' }, true],
    ["A|expand: '%none%'", { A: '' }, false],
    ["A|expand: ['%none%', b]", { A: 'b' }, true],
    ["A|contains|expand|all: ['%admins%', '%hosts%']", { A: 'root on dc1' }, true],
    ["A|contains|expand|all: ['%admins%', '%hosts%']", { A: 'root on dc3' }, false],
    ["A|neq|expand: '%admins%'", { A: 'ann' }, true],
    ["A|neq|expand: '%none%'", { A: 'ann' }, true],
    ["A|cidr|expand: '%blocks%'", { A: '192.168.7.1' }, true],
    ["A|re|expand: '^%hosts%$'", { A: 'dc1' }, true],
    // An escaped percent sign begins no placeholder.
    ["A|expand: '\\%plain%hosts%'", { A: '%plaindc1' }, true],
    ["A|expand: '\\%admins%hosts%'", { A: '%adminsdc2' }, true],
    ["A|expand: '\\%plain%hosts%'", { A: '\\%plaindc1' }, false],
    ["A|expand: '%hosts%\\%'", { A: 'dc1%' }, true],
    ["A|expand: '\\%hosts\\%'", { A: '%hosts%' }, true],
    ["A|expand: '\\%hosts\\%'", { A: 'dc1' }, false],
    ["A|expand: '100\\%'", { A: '100%' }, true],
    ["A|re|expand: '^\\%%hosts%$'", { A: '%dc1' }, true],
    // A backslash before a whole placeholder is that of a path, written once or twice.
    ["A|expand: 'x\\%hosts%'", { A: 'x\\dc1' }, true],
    ["A|expand: 'x\\\\%hosts%'", { A: 'x\\dc1' }, true],
    ["A|expand: 'x\\%stars%'", { A: 'x\\anything' }, true],
    ["A|expand: 'x\\\\%stars%'", { A: 'x\\anything' }, true],
    ["A|re|expand: '^x\\%hosts%$'", { A: 'x\\dc1' }, true],
    ["A|expand: 'x\\\\\\%plain%hosts%'", { A: 'x\\%plaindc1' }, true],
    ["A: '\\%plain%'", { A: '\\%plain%' }, true],
  ])('%s on %j is %s', (selection, data, expected) => {
    expect(matches(selection, data)).toBe(expected);
  });

  it('are bounded in what they stand for', () => {
    const many = new Map([['n', Array.from({ length: 100 }, (_, n) => String(n))]]);
    const set = compileSigma([{ path: 'a.yml', text: ruleText(detectionOf("A|expand: '%n%%n%%n%'")) }], {
      placeholders: many,
    });
    expect(set.problems).toMatchObject([{ code: 'SIGMA_RULE_INVALID' }]);
  });
});

describe('parts of a time', () => {
  check([
    ['At|hour: 3', { At: '2024-07-10T03:45:00Z' }, true],
    ['At|hour: 3', { At: '2024-07-10T03:45:00+02:00' }, true],
    ['At|hour: 3', { At: '2024-07-10 04:45' }, false],
    ['At|hour: 3', { At: 1720583100 }, false],
    ['At|hour: 3', {}, false],
    ['At|hour|gte: 22', { At: '2024-07-10T23:00:00Z' }, true],
    ['At|hour|gte: 22', { At: '2024-07-10T21:59:59Z' }, false],
    ['At|hour: [2, 3]', { At: '2024-07-10T03:45:00Z' }, true],
    ['At|hour|neq: 3', { At: '2024-07-10T03:45:00Z' }, false],
    ['At|minute: 45', { At: '2024-07-10T03:45:00Z' }, true],
    ['At|day: 25', { At: '2024-12-25' }, true],
    ['At|week: 1', { At: '2024-12-30' }, true],
    ['At|month|lt: 7', { At: '2024-06-30T00:00:00Z' }, true],
    ['At|year: 2020', { At: '2020-06-15T10:00:00Z' }, true],
  ]);
});

describe('numbers, booleans and null', () => {
  check([
    ['EventID: 4624', { EventID: '4624' }, true],
    ['EventID: 4624', { EventID: 4624 }, true],
    ["EventID: '4624'", { EventID: 4624 }, true],
    ['Code: 0123', { Code: '0123' }, true],
    ['Code: 0123', { Code: 123 }, true],
    ['Code: 0123', { Code: '0124' }, false],
    ['Code: 1e3', { Code: '1E3' }, true],
    ['Code: 1e3', { Code: 1000 }, true],
    ['Code: 0x1F', { Code: '0x1f' }, true],
    ['Code|startswith: 0123', { Code: '01234' }, true],
    ['Code|endswith: 23', { Code: 123 }, true],
    ['Code: 1', { Code: true }, false],
    ['Flag: true', { Flag: true }, true],
    ['Flag: true', { Flag: 'TRUE' }, true],
    ["Flag: 'true'", { Flag: true }, true],
    ['Flag: yes', { Flag: 'Yes' }, true],
    ['Flag: yes', { Flag: true }, false],
    ['Field: null', {}, true],
    ['Field:', { Field: null }, true],
    ['Field: null', { Field: '' }, false],
    ['Field: [null, a]', { Field: 'a' }, true],
    ['Size|gte: 10', { Size: 10 }, true],
    ['Size|gt: 10', { Size: '10' }, false],
    ['Size|lt: 10', { Size: '9.5' }, true],
    ['Size|lte: 10', { Size: 'x' }, false],
    ['Size|lt: 10', {}, false],
    ['Size|lt: -1', { Size: [5, -2] }, true],
  ]);
});

describe('numbers that a double cannot hold', () => {
  check([
    ['A: 9007199254740993', { A: '9007199254740993' }, true],
    ['A: 9007199254740993', { A: '9007199254740992' }, false],
    ['A: 9007199254740992', { A: '9007199254740992' }, true],
    ['A: 9007199254740992', { A: '9007199254740993' }, false],
    // A number was rounded when the event was read, as that of the rule is.
    ['A: 9007199254740993', { A: 2 ** 53 }, true],
    ['A: 1e21', { A: '1e+21' }, true],
    ['A: 0.1', { A: '0.1' }, true],
    ['A|gt: 9007199254740992', { A: '9007199254740993' }, true],
    ['A|gt: 9007199254740993', { A: '9007199254740993' }, false],
    ['A|gte: 9007199254740993', { A: '9007199254740993.0' }, true],
    ['A|gte: 9007199254740993', { A: '9007199254740992' }, false],
    ["A|gte: '9007199254740993'", { A: '9007199254740992' }, false],
    ['A|lt: 9007199254740993', { A: '9007199254740992' }, true],
    ['A|lte: 9007199254740992', { A: '9007199254740993' }, false],
    ['A|lt: -9007199254740992', { A: '-9007199254740993' }, true],
    ['A|gt: 9007199254740992', { A: '9.007199254740993e15' }, true],
    ['A|gt: 0.1', { A: '0.10000000000000000001' }, true],
    ['A|gte: 0.10', { A: '.1' }, true],
    ['A|lt: 0.1', { A: '+0.1' }, false],
    ['A|gte: 9007199254740993', { A: 2 ** 53 }, true],
    ['A|gt: 9007199254740993', { A: 2 ** 53 }, false],
    ['A|gt: 5', { A: '1e999999999' }, true],
    ['A|gt: 0', { A: `0e${'9'.repeat(50)}` }, false],
    ['A|lt: 1', { A: `0.${'9'.repeat(100_000)}` }, false],
  ]);
});

describe('null and missing', () => {
  check([
    ['A|exists: true', { A: null }, true],
    ['A|exists: false', { A: null }, false],
    ['A|exists: true', { A: '' }, true],
    ['A|exists: true', { A: [] }, true],
    ['A|exists: true', { A: {} }, true],
    ['A|exists: false', {}, true],
    ['a.b|exists: true', { a: { b: null } }, true],
    ['a.b|exists: false', { a: { b: null } }, false],
    ['a.b|exists: false', { a: {} }, true],
    ['a.b|exists: false', { a: null }, true],
    ['a.b|exists: true', { a: [{ b: null }] }, true],
    ['a.b|exists: false', { a: [{ b: null }, { c: 1 }] }, false],
    ['a.b|exists: true', { a: [{ b: [] }] }, true],
    ['a.b|exists: false', { a: [{ c: 1 }] }, true],
    ['a.b|exists: false', { a: [] }, true],
    ['A: null', { A: null }, true],
    ['A: null', {}, true],
    ['A: null', { A: [] }, false],
    ['a.b: null', { a: { b: null } }, true],
    ['a.b: null', { a: {} }, true],
    ['a.b: null', { a: [{ b: null }, { c: 1 }] }, true],
    ['a.b: null', { a: [{ c: 1 }] }, true],
    ['a.b: null', { a: [{ b: null }, { b: 1 }] }, false],
    ['a.b: null', { a: [{ b: [] }] }, false],
    ['a.b: 1', { a: [{ b: null }, { b: 1 }] }, true],
  ]);
});

describe('other modifiers', () => {
  check([
    ["Line|re: 'a.c$'", { Line: 'xxabc' }, true],
    ["Line|re: 'A.C'", { Line: 'abc' }, false],
    ["Line|re|i: 'A.C'", { Line: 'abc' }, true],
    ["Line|re|m: '^b'", { Line: 'a\nb' }, true],
    ["Line|re: 'a.b'", { Line: 'a\nb' }, false],
    ["Line|re|s: 'a.b'", { Line: 'a\nb' }, true],
    ["Line|re: '46'", { Line: 4624 }, true],
    ['Ip|cidr: 10.0.0.0/8', { Ip: '10.1.2.3' }, true],
    ['Ip|cidr: [192.168.0.0/16, "fe80::/10"]', { Ip: 'fe80::1' }, true],
    ['Ip|cidr: 10.0.0.0/8', { Ip: 'ten' }, false],
    ["Line|windash|contains: ' -enc'", { Line: 'x /ENC' }, true],
    ["Line|windash|contains: ' -enc'", { Line: 'x \u2015enc' }, true],
    ['Field|exists: yes', { Field: '' }, true],
    ['Field|exists: true', {}, false],
    ['Field|exists: no', {}, true],
    ['Field|exists: off', { Field: 1 }, false],
    ['A|fieldref: B', { A: 'x', B: 'X' }, true],
    ['A|fieldref: B', {}, false],
    ['A|fieldref|startswith: B', { A: 'xy', B: 'x' }, true],
    ['A|fieldref|endswith: B', { A: 'xy', B: 'x' }, false],
    ['A|fieldref|contains: B', { A: 'xyz', B: 'y' }, true],
    ['A|fieldref|neq: B', { A: 'x', B: 'y' }, true],
    ['Line|base64: ping', { Line: 'cGluZw==' }, true],
    ['Line|base64offset|contains: ping me', { Line: Buffer.from('xping me').toString('base64') }, true],
    ['Line|wide|base64offset|contains: ping', { Line: Buffer.from('xping', 'utf16le').toString('base64') }, true],
    ['Line|utf16le: ab', { Line: 'a\0b\0' }, true],
  ]);
});

describe('keywords and lists', () => {
  check([
    ['- mimikatz\n- other', { deep: { list: ['x MIMIKATZ y'] } }, true],
    ['- mimikatz', { mimikatz: 'key only' }, false],
    ['- 4624', { EventID: 4624 }, true],
    ["'|all':\n  - one\n  - two", { A: 'one', B: 'two' }, true],
    ["'|all':\n  - one\n  - two", { A: 'one' }, false],
    ["- 'a*b'", { A: 'a', B: 'b', C: 'some longer text to collect pairs of' }, false],
    ["'|re': 'x\\d'", { A: { B: 'x1' } }, true],
    ['- A: 1\n- B: 2', { B: 2 }, true],
    ['- A: 1\n  B: 2\n- word', { A: 1 }, false],
    ['- A: 1\n- word', { C: 'a word' }, true],
  ]);
});

describe('what is refused', () => {
  const problemsOf = (selection: string): string[] => {
    const text = ruleText(detectionOf(selection));
    return compileSigma([{ path: 'rule.yml', text }]).problems.map(({ code }) => code);
  };

  it.each([
    ["A|expand: '%x%'", 'SIGMA_PLACEHOLDER_UNKNOWN'],
    ['A|exists|expand: true', 'SIGMA_MODIFIER_UNSUPPORTED'],
    ['A|fieldref|expand: B', 'SIGMA_MODIFIER_UNSUPPORTED'],
    ['A|Contains: x', 'SIGMA_MODIFIER_UNSUPPORTED'],
    ['A|i: x', 'SIGMA_MODIFIER_UNSUPPORTED'],
    ['A|hour|contains: 3', 'SIGMA_MODIFIER_UNSUPPORTED'],
    ['A|hour|day: 3', 'SIGMA_MODIFIER_UNSUPPORTED'],
    ['A|hour|re: 3', 'SIGMA_MODIFIER_UNSUPPORTED'],
    ['A|hour|cased: 3', 'SIGMA_MODIFIER_UNSUPPORTED'],
    ['"|hour": 3', 'SIGMA_MODIFIER_UNSUPPORTED'],
    ['A|hour: x', 'SIGMA_RULE_INVALID'],
    ['A|hour: 1.5', 'SIGMA_RULE_INVALID'],
    ['A|re|cidr: x', 'SIGMA_MODIFIER_UNSUPPORTED'],
    ['A|re|contains: x', 'SIGMA_MODIFIER_UNSUPPORTED'],
    ["'|gt': 3", 'SIGMA_MODIFIER_UNSUPPORTED'],
    ["A|re: '(?=x)'", 'SIGMA_REGEX_UNSUPPORTED'],
    ["A|re: '(a)\\1'", 'SIGMA_REGEX_UNSUPPORTED'],
    ["A|re: '('", 'SIGMA_REGEX_UNSUPPORTED'],
    ['A|cidr: 10.0.0.0/40', 'SIGMA_RULE_INVALID'],
    ['A|exists: maybe', 'SIGMA_RULE_INVALID'],
    ['A|gt: many', 'SIGMA_RULE_INVALID'],
    ['A: []', 'SIGMA_RULE_INVALID'],
    ['A: {B: 1}', 'SIGMA_RULE_INVALID'],
    ['A|base64: "a*"', 'SIGMA_RULE_INVALID'],
    ['A|windash: " -a -b -c -d -e -f"', 'SIGMA_RULE_INVALID'],
    ['A|re:', 'SIGMA_RULE_INVALID'],
    ['A|re: null', 'SIGMA_RULE_INVALID'],
    ["A|re: ''", 'SIGMA_RULE_INVALID'],
    ["A|re|i: [a, '']", 'SIGMA_RULE_INVALID'],
    ["'|re': ['']", 'SIGMA_RULE_INVALID'],
    ['A|contains:', 'SIGMA_RULE_INVALID'],
    ['A|contains: [a, null]', 'SIGMA_RULE_INVALID'],
    ['A|contains|all: [a, ~]', 'SIGMA_RULE_INVALID'],
    ['A|startswith: null', 'SIGMA_RULE_INVALID'],
    ['A|endswith: null', 'SIGMA_RULE_INVALID'],
    ['A|windash: null', 'SIGMA_RULE_INVALID'],
    ['A|wide|base64: null', 'SIGMA_RULE_INVALID'],
    ['A|base64offset|contains: null', 'SIGMA_RULE_INVALID'],
    ['A|cased: null', 'SIGMA_RULE_INVALID'],
    ['A|expand: null', 'SIGMA_RULE_INVALID'],
    ['A|cidr: null', 'SIGMA_RULE_INVALID'],
    ['A|exists:', 'SIGMA_RULE_INVALID'],
    ['A|fieldref: null', 'SIGMA_RULE_INVALID'],
    ['A|gt: null', 'SIGMA_RULE_INVALID'],
    ['A|hour: null', 'SIGMA_RULE_INVALID'],
    ['[]', 'SIGMA_RULE_INVALID'],
    ['{}', 'SIGMA_RULE_INVALID'],
  ])('%s is %s', (selection, code) => {
    expect(problemsOf(selection)).toEqual([code]);
  });

  it.each([
    ['A|contains: [a, null]', '`A|contains` needs text, not null', 21],
    ["A|re: [a, '']", 'a pattern is empty: it would be found in every value', 15],
  ])('%s says what is wrong, and where', (selection, message, column) => {
    const { problems } = compileSigma([{ path: 'rule.yml', text: ruleText(detectionOf(selection)) }]);
    expect(problems).toMatchObject([{ message, line: 7, column }]);
  });

  it('leaves null to what does not ask for text', () => {
    expect(selectionMatches('A|neq: null', { A: 1 })).toBe(true);
    expect(selectionMatches('A|all: [null]', {})).toBe(true);
  });
});

describe('linear time', () => {
  it('does not stall on a pattern that makes backtracking engines stall', () => {
    expect(selectionMatches("A|re: '(a+)+$'", { A: `${'a'.repeat(50_000)}b` })).toBe(false);
  });
});

describe('a short rule that stands for much', () => {
  const problemsOf = (detection: string): string[] => {
    const text = `title: t\nid: 8d9a0b52-9a4c-4e57-9a3e-0d1f6a6f2c11\nlogsource: { product: windows }\ndetection:\n${detection}\n`;
    const others = { path: 'other.yml', text: text.replace(detection, '  s: { A: 1 }\n  condition: s') };
    const { rules, problems } = compileSigma([{ path: 'long.yml', text }, others]);
    expect(rules.map(({ path }) => path)).toEqual(['other.yml']);
    return problems.map(({ code, message, line }) => `${code} ${line} ${message}`);
  };
  const options = Array.from({ length: 5 }, (_, index) => ` -o${index}`).join('');

  it.each([
    [
      'wide again and again',
      `  s: { "A${'|wide'.repeat(28)}": aaaa }\n  condition: s`,
      /SIGMA_RULE_INVALID 5 .*longer than/,
    ],
    [
      'base64 again and again',
      `  s: { "A${'|base64'.repeat(66)}": aaaa }\n  condition: s`,
      /SIGMA_RULE_INVALID 5 .*longer/,
    ],
    [
      'dashes in a long text',
      `  s: { "A|windash": "${options}${'a'.repeat(100_000)}" }\n  condition: s`,
      /SIGMA_RULE_INVALID 5 .*spellings/,
    ],
    [
      'dashes in many texts',
      `  s:\n    A|windash:\n${Array.from({ length: 500 }, (_, n) => `      - "${n}${options}"`).join('\n')}\n  condition: s`,
      /SIGMA_RULE_INVALID \d+ .*131072 spellings/,
    ],
    [
      'many conditions',
      `  s: { A: 1 }\n  condition:\n${'    - s\n'.repeat(101)}`,
      /SIGMA_CONDITION_INVALID 7 .*100 conditions/,
    ],
    [
      'conditions of many selections',
      `${Array.from({ length: 3_000 }, (_, n) => `  s${n}: { A: ${n} }\n`).join('')}  condition: ${'all of s* or '.repeat(7)} s1`,
      /SIGMA_CONDITION_INVALID 3005 .*20000 selections/,
    ],
  ])('is refused: %s', (_, detection, expected) => {
    expect(problemsOf(detection)).toEqual([expect.stringMatching(expected)]);
  });
});

describe('two long lists', () => {
  const rule = (modifiers: string): string => ruleText(`s:\n  A|fieldref${modifiers}: B\ncondition: s`);
  const list = (prefix: string): string[] => Array.from({ length: 50_000 }, (_, n) => `${prefix}${n}`);
  const matchesOf = (modifiers: string, data: Record<string, unknown>) =>
    new SigmaMatcher(compileSigma([{ path: 'rule.yml', text: rule(modifiers) }]).rules, {
      ignoreLogsource: true,
    }).match({
      type: null,
      data,
    });

  it('are compared by one look at each member', () => {
    expect(matchesOf('', { A: list('a'), B: list('b') })).toHaveLength(0);
    expect(matchesOf('', { A: list('a'), B: [...list('b'), 'A7'] })).toHaveLength(1);
  }, 10_000);

  it('make the rule fail where every pair would have to be looked at', () => {
    expect(matchesOf('|contains', { A: list('a'), B: list('b') })).toMatchObject([
      { failure: { message: 'two lists have more than 1000000 pairs of members to compare' } },
    ]);
    const [match, ...others] = matchesOf('|contains', { A: ['xay'], B: [...list('b'), 'A'] });
    expect([match?.failure, others]).toEqual([undefined, []]);
  });
});
