import { SigmaMatcher } from './matcher';
import type { SigmaRecord } from './record';
import { compileSigma } from './rule-set';

/** Selections of a rule's detection → erased fields that leave it undecidable. */
function undecidable(detection: string, data: SigmaRecord['data'], erased: readonly string[]): string[] {
  const text = `{ title: t, id: t, logsource: { product: protego }, detection: ${detection} }`;
  const { rules, problems } = compileSigma([{ path: 't.yml', text }]);
  expect(problems).toEqual([]);
  const record = { type: 'access.signed-in', data, envelope: { subject: '~s.x', type: 'access.signed-in' } };
  const matcher = new SigmaMatcher(rules, { ignoreLogsource: true });
  return matcher.undecidable(record, erased).flatMap(({ fields }) => fields);
}

describe('SigmaMatcher.undecidable', () => {
  const data = { user: { name: '~s.x', groups: ['~t.0', 'staff'] }, note: '~t.1', port: 22, 'id.user': '~s.x' };

  it.each([
    ['{ s: { user.name: bo }, condition: s }', ['/data/user/name'], ['user.name']],
    ['{ s: { user.name: bo, port: 22 }, condition: s }', ['/data/user/name'], ['user.name']],
    ['{ s: { port: 22 }, f: { user.name: bo }, condition: s and not f }', ['/data/user/name'], ['user.name']],
    ['{ s: { user.groups: root }, condition: s }', ['/data/user/groups/0'], ['user.groups']],
    ['{ s: { user.name: bo }, condition: s }', ['/data/user'], ['user.name']],
    ['{ s: { id.user: bo }, condition: s }', ['/data/id.user'], ['id.user']],
    ['{ s: { event.subject: bo }, condition: s }', ['/subject'], ['event.subject']],
    ['{ s: { port|fieldref: note }, condition: s }', ['/data/note'], ['note']],
    ['{ s: [rootkit], condition: s }', ['/data/note'], ['*']],
  ])('%s with %j erased asks about %j', (detection, erased, fields) =>
    expect(undecidable(detection, data, erased)).toEqual(fields),
  );

  it.each([
    ['{ s: { user.name: bo, port: 23 }, condition: s }', ['/data/user/name']],
    ['{ s: { port: 22 }, t: { user.name: bo }, condition: s or t }', ['/data/user/name']],
    ['{ s: { user.name|exists: true }, condition: s }', ['/data/user/name']],
    ['{ s: { user.name: null }, condition: s }', ['/data/user/name']],
    ['{ s: { port: 22 }, condition: s }', ['/data/user/name']],
    ['{ s: { user.names: bo }, condition: s }', ['/data/user/name']],
    ['{ s: [staff], condition: s }', ['/data/note']],
    ['{ s: [rootkit], condition: s }', ['/subject']],
  ])('%s with %j erased has its answer', (detection, erased) =>
    expect(undecidable(detection, data, erased)).toEqual([]),
  );
});
