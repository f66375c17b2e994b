import { declarationsOf } from '@protego/streams/testing';
import { PLACEHOLDERS_KEY, SOURCES_KEY, documentChangesOf, type ArtefactSide } from './document-changes';
import { artefactsOf, correlationText, ruleText } from './testing/artefact-kit';
import { valueChangesOf } from './value-changes';

const changed = (before: ArtefactSide, after: ArtefactSide): [string, string, readonly string[]][] =>
  documentChangesOf(before, after).map(({ key, change, words }) => [key, change, words]);

describe('documentChangesOf', () => {
  it('finds nothing between a set and itself, whatever the comments, the order of keys, cases and budgets', () => {
    const text = ruleText('a', 'root');
    const other = `# why\nlevel: low\n${text.replace('level: low\n', '')}protego: { budget: 3 }\n`;
    expect(changed(artefactsOf([text]), artefactsOf([other]))).toEqual([]);
  });

  it('says which documents came, went and changed', () => {
    const before = artefactsOf([ruleText('a', 'root'), ruleText('b', 'root')]);
    const after = artefactsOf([ruleText('b', 'anna'), ruleText('c', 'root')]);
    expect(changed(before, after)).toEqual([
      ['a', 'removed', []],
      ['b', 'changed', ['selection `selection`, `user.uid` from `root` to `anna`']],
      ['c', 'added', []],
    ]);
  });

  it('says levels, windows, thresholds, groups and members in words', () => {
    const text = correlationText('c', ['a']);
    const other = text
      .replace('timespan: 5m', 'timespan: 1h')
      .replace('gte: 2', 'gte: 3')
      .replace('[user.uid]', '[user.uid, device.uid]')
      .replace('level: high', 'level: medium');
    const rules = [ruleText('a', 'root')];
    const [[, , words] = ['', '', []]] = changed(artefactsOf([...rules, text]), artefactsOf([...rules, other]));
    expect(words).toEqual([
      'threshold (at least) from 2 to 3',
      'grouped by: `device.uid` added',
      'time window from `5m` to `1h`',
      'level from `high` to `medium`',
    ]);
  });

  it('tells documents of one id apart', () => {
    const twins = [ruleText('a', 'root'), ruleText('a', 'anna')];
    expect(changed(artefactsOf(twins), artefactsOf([twins[0] as string, ruleText('a', 'bert')]))).toMatchObject([
      ['a#2', 'changed', [expect.stringContaining('from `anna` to `bert`')]],
    ]);
  });

  it('compares declarations by what they say, not by their text', () => {
    const before = artefactsOf([], { placeholders: new Map([['clinic', ['a']]]) });
    const declarations = { ...declarationsOf(), skewMaxMs: 1 };
    const after = artefactsOf([], { placeholders: new Map([['clinic', ['a', 'b']]]), declarations });
    expect(changed(before, after)).toMatchObject([
      [PLACEHOLDERS_KEY, 'changed', ['`clinic`: `b` added']],
      [SOURCES_KEY, 'changed', [expect.stringMatching(/^greatest skew \(ms\) from \d+ to 1$/)]],
    ]);
  });

  it('says with which knowledge the sides judge, where it is not the same', () => {
    expect(changed(artefactsOf([]), artefactsOf([], { knowledge: 'now' }))).toEqual([
      ['knowledge', 'changed', ['judged as known now, no more as known then']],
    ]);
  });
});

describe('valueChangesOf', () => {
  it('compares plain lists as sets, but tells a mere other order', () => {
    expect(valueChangesOf({ a: ['x', 'y'] }, { a: ['z', 'y'] })).toEqual([
      { path: ['a'], baseline: '"x"', candidate: '"z"' },
    ]);
    expect(valueChangesOf(['x', 'y'], ['y', 'x'])).toEqual([
      { path: [], baseline: '["x","y"]', candidate: '["y","x"]' },
    ]);
  });

  it('compares lists of objects item by item, and cuts long values', () => {
    expect(valueChangesOf([{ a: 1 }, { b: 2 }], [{ a: 1 }])).toEqual([
      { path: ['1'], baseline: '{"b":2}', candidate: null },
    ]);
    const [change] = valueChangesOf({ a: 'x'.repeat(9_999) }, {});
    expect(change?.baseline?.length).toBeLessThan(500);
  });
});
