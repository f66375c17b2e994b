import { SigmaMatcher } from './matcher';
import { compileSigma, type SigmaRuleSet } from './rule-set';

const RULES = `
title: Backup
id: backup
name: backup_started
logsource: {product: windows, category: process_creation}
detection: {s: {Image|endswith: '\\wbadmin.exe'}, condition: s}
---
title: Shell
id: shell
logsource: {product: windows, category: process_creation}
detection: {s: {Image|endswith: '\\cmd.exe'}, condition: s}
---
title: Sign-in
id: sign-in
logsource: {product: windows, service: security}
detection: {s: {EventID: 4624}, condition: s}
---
title: Twice
id: twice
correlation: {type: event_count, rules: [shell], timespan: 1m, condition: {gte: 2}}
---
title: Chained
id: chained
correlation: {type: event_count, rules: [twice], timespan: 1m, condition: {gte: 2}}
---
title: Backups
id: backups
correlation: {type: event_count, rules: [backup], timespan: 1m, condition: {gte: 2}}
`;
const filterText = (filter: string, logsource = '{product: windows, category: process_creation}'): string =>
  `title: Known administrators\nid: admins\nlogsource: ${logsource}\nfilter:\n${filter.replace(/^/gm, '  ')}\n`;
const compile = (...filters: readonly string[]): SigmaRuleSet =>
  compileSigma([{ path: 'rules.yml', text: RULES }, ...filters.map((text, i) => ({ path: `filter${i}.yml`, text }))]);
const matchesOf = ({ rules }: SigmaRuleSet, data: Record<string, unknown>): string[] =>
  new SigmaMatcher(rules, { ignoreLogsource: true }).match({ type: null, data }).map(({ rule }) => rule.id);

const NOT_ADMINS = "selection: {User|startswith: 'adm_'}\ncondition: not selection";
const shell = (User: string): Record<string, unknown> => ({ Image: 'C:\\Windows\\cmd.exe', User });
const hashesOf = ({ rules, correlations }: SigmaRuleSet): string[] =>
  [...rules, ...correlations].map(({ contentHash }) => contentHash);

describe('filters', () => {
  it('must be met by matches of the rules that they name, by id or name, and by no other', () => {
    const set = compile(filterText(`rules: [shell]\n${NOT_ADMINS}`));
    expect([set.problems, set.warnings]).toEqual([[], []]);
    expect(matchesOf(set, shell('anna'))).toEqual(['shell']);
    expect(matchesOf(set, shell('adm_anna'))).toEqual([]);
    expect(matchesOf(set, { Image: 'C:\\wbadmin.exe', User: 'adm_anna' })).toEqual(['backup']);
    const byName = compile(filterText(`rules: [backup_started]\n${NOT_ADMINS}`));
    expect(matchesOf(byName, { Image: 'C:\\wbadmin.exe', User: 'adm_anna' })).toEqual([]);
  });

  it.each(['any', '[any]'])('apply to all rules of their log source with %s', (rules) => {
    const set = compile(filterText(`rules: ${rules}\n${NOT_ADMINS}`));
    expect(set.rules.map(({ filters }) => filters?.length ?? 0)).toEqual([1, 1, 0]);
    expect(matchesOf(set, { EventID: 4624, User: 'adm_anna' })).toEqual(['sign-in']);
    const wider = compile(filterText(`rules: ${rules}\n${NOT_ADMINS}`, '{product: windows}'));
    expect(wider.rules.map(({ filters }) => filters?.length ?? 0)).toEqual([1, 1, 1]);
  });

  it('keep what their condition says, also without `not`, with a warning', () => {
    const set = compile(filterText("rules: [shell]\nselection: {User|startswith: 'adm_'}\ncondition: selection"));
    expect(matchesOf(set, shell('anna'))).toEqual([]);
    expect(matchesOf(set, shell('adm_anna'))).toEqual(['shell']);
    expect(set.warnings).toMatchObject([{ code: 'SIGMA_FILTER_INVALID', path: 'filter0.yml', line: 5, column: 3 }]);
  });

  it('work together, and with a missing field as under any `not`', () => {
    const set = compile(
      filterText(`rules: [shell]\n${NOT_ADMINS}`),
      filterText('rules: [shell]\na: {User: bo}\nb: {Host: x}\ncondition: not (a and b)').replace(
        'id: admins',
        'id: bo',
      ),
    );
    expect(matchesOf(set, shell('bo'))).toEqual(['shell']);
    expect(matchesOf(set, { ...shell('bo'), Host: 'x' })).toEqual([]);
    expect(matchesOf(set, { Image: 'C:\\cmd.exe' })).toEqual(['shell']);
    expect(set.rules[1]?.filters?.map(({ id }) => id)).toEqual(['admins', 'bo']);
  });

  it('are part of the content hash of the rule and of every correlation over it, and of no other', () => {
    const [plain, filtered, other] = [
      compile(),
      compile(filterText(`rules: [shell]\n${NOT_ADMINS}`)),
      compile(filterText(`rules: [shell]\n${NOT_ADMINS.replace('adm_', 'root_')}`)),
    ].map(hashesOf) as [string[], string[], string[]];
    const changed = plain.map((hash, i) => hash !== filtered[i]);
    // backup, shell, sign-in; then by depth: twice, backups, chained.
    expect(changed).toEqual([false, true, false, true, false, true]);
    expect(filtered.map((hash, i) => hash !== other[i])).toEqual(changed);
    for (const hash of filtered) expect(hash).toMatch(/^[0-9a-f]{64}$/);
    expect(hashesOf(compile(filterText(`rules: [shell]\n${NOT_ADMINS}`)))).toEqual(filtered);
  });

  it.each([
    ['rules: [nobody, nothing]', '`nobody` is no rule that was read, nor is any other', 5, 11],
    ['rules: []', 'names no rule', 5, 10],
    ['', '`rules` is missing', 5, 3],
    ['rules: [twice]', '`twice` is no rule', 5, 11],
  ])('are refused with %j', (rules, message, line, column) => {
    const { problems, filters } = compile(filterText(`${rules}\n${NOT_ADMINS}`.trim()));
    expect(filters).toEqual([]);
    expect(problems).toMatchObject([{ code: 'SIGMA_FILTER_INVALID', path: 'filter0.yml', line, column }]);
    expect(problems[0]?.message).toContain(message);
  });

  it.each([
    [filterText(`rules: any\n${NOT_ADMINS}`, '{}'), 'needs `logsource`'],
    [filterText('rules: any\ncondition: not selection'), 'no selection'],
    [filterText('rules: any\nselection: {A: b}'), '`condition` is missing'],
    [filterText('rules: any\nselection: {A: b}\ncondition: not other'), '`other` does not exist'],
    ['title: a\nlogsource: {product: x}\nfilter: no\n', 'is not a mapping'],
  ])('are refused where %j', (text, message) => {
    const { problems, rules } = compile(text);
    expect(problems).toHaveLength(1);
    expect(problems[0]?.message).toContain(message);
    expect(problems[0]?.line).toBeGreaterThan(0);
    expect(rules.every(({ filters }) => filters === undefined)).toBe(true);
  });

  it('say which of their rules they leave as they are', () => {
    const { warnings, rules, problems } = compile(filterText(`rules: [shell, nobody, sign-in]\n${NOT_ADMINS}`));
    expect(problems).toEqual([]);
    expect(warnings.map(({ message, line, column }) => [message, line, column])).toEqual([
      ['`nobody` is no rule that was read', 5, 18],
      ['the filter leaves `sign-in` as it is: the log sources differ', 5, 26],
    ]);
    expect(rules.map(({ filters }) => filters?.length ?? 0)).toEqual([0, 1, 0]);
    expect(compile(filterText(`rules: any\n${NOT_ADMINS}`, '{product: linux}')).warnings).toMatchObject([
      { message: 'no rule has the log source of the filter', line: 1, column: 1 },
    ]);
  });
});
