import { SigmaMatcher } from './matcher';
import { compileSigma } from './rule-set';
import { ruleText } from './testing';

/** Codes of the problems of a detection, or whether it matches. */
function outcomeOf(
  detection: string,
  data: Record<string, unknown>,
  placeholders: ReadonlyMap<string, readonly string[]> = new Map(),
): boolean | string[] {
  const { rules, problems } = compileSigma([{ path: 'a.yml', text: ruleText(detection) }], { placeholders });
  if (problems.length > 0) return problems.map(({ code }) => code);
  return new SigmaMatcher(rules, { ignoreLogsource: true }).match({ type: null, data }).length > 0;
}

const only = (selection: string): string => `s:\n${selection.replace(/^/gm, '  ')}\ncondition: s`;

/** What docs/reference/sigma.md decides under "Where engines differ". */
describe('where engines differ', () => {
  it.each<[string, Record<string, unknown>, boolean]>([
    // A member by its number: the name of a field, also on a path.
    ["ports[0]: '22'", { ports: ['22', '80'] }, false],
    ["ports[0]: '22'", { 'ports[0]': '22' }, true],
    ["ports[-1]: '80'", { ports: ['22', '80'] }, false],
    ["hosts[0].port: '22'", { hosts: [{ port: '22' }] }, false],
    ["hosts[0].port: '22'", { 'hosts[0]': { port: '22' } }, true],
    ["hosts.0.port: '22'", { hosts: [{ port: '22' }] }, false],
    // An escaped bracket: a backslash of the name.
    ["ports\\[0\\]: '22'", { 'ports[0]': '22' }, false],
    ["ports\\[0\\]: '22'", { 'ports\\[0\\]': '22' }, true],
    ["ports\\[0\\]: '22'", { ports: ['22'] }, false],
    // A quantor: the name of a field, and a list matches when any member does.
    ['ports[all]|gte: 1024', { ports: [2000, 3000] }, false],
    ['ports[all]|gte: 1024', { 'ports[all]': 2000 }, true],
    ['ports|gte: 1024', { ports: [2000, 80] }, true],
  ])('%s on %j is %s', (selection, data, expected) => {
    expect(outcomeOf(only(selection), data)).toBe(expected);
  });

  it.each([
    ['ports[all]:\n  .|gte: 1024', { ports: [2000, 3000] }],
    ['ports[any]:\n  .: 80', { ports: [80] }],
    ['hosts[0]:\n  port: 22', { hosts: [{ port: 22 }] }],
  ])('%s is refused', (selection, data) => {
    expect(outcomeOf(only(selection), data)).toEqual(['SIGMA_RULE_INVALID']);
  });

  it('never takes a field of the event for a placeholder', () => {
    const selection = only("Path|expand: '/home/%owner%/x'");
    const data = { Path: '/home/ann/x', owner: 'ann' };
    expect(outcomeOf(selection, data)).toEqual(['SIGMA_PLACEHOLDER_UNKNOWN']);
    expect(outcomeOf(selection, data, new Map([['owner', ['bob']]]))).toBe(false);
    expect(outcomeOf(selection, { ...data, owner: 'bob' }, new Map([['owner', ['ann']]]))).toBe(true);
  });

  const notNull = 's:\n  A: x\nf:\n  B: null\ncondition: s and not f';
  const notText = "s:\n  A: x\nf:\n  B: '*y*'\ncondition: s and not f";

  it.each<[string, string, Record<string, unknown>, boolean]>([
    ['a missing field is null', notNull, { A: 'x' }, false],
    ['null is null', notNull, { A: 'x', B: null }, false],
    ['a field that is there is not null', notNull, { A: 'x', B: '' }, true],
    ['a missing field is no text, whatever the text', notText, { A: 'x' }, true],
    ['null is no text', notText, { A: 'x', B: null }, true],
    ['a text that is there rules out', notText, { A: 'x', B: 'yy' }, false],
  ])('%s, under `not`', (_, detection, data, expected) => {
    expect(outcomeOf(detection, data)).toBe(expected);
  });
});
