import { Causes } from './causes';
import { PLACEHOLDERS_KEY, SOURCES_KEY, documentChangesOf, type ArtefactSide } from './document-changes';
import { declarationsOf } from '@protego/streams/testing';
import { artefactsOf, correlationText, ruleText } from './testing/artefact-kit';

function causesOf(makerId: string, before: ArtefactSide, after: ArtefactSide): readonly string[] {
  return new Causes(before, after, documentChangesOf(before, after)).of(makerId);
}

const FILTER = `
title: Filter
id: f
logsource: { category: access.privilege-changed, product: protego }
filter: { rules: [a], announced: { user.uid: x }, condition: not announced }
`;
const [RULE, OTHER, LOOSER] = [ruleText('a', 'root'), ruleText('b', 'root'), ruleText('a', 'anna')];

describe('Causes', () => {
  it('names the rule itself, and no other document that differs', () => {
    const after = artefactsOf([LOOSER, ruleText('b', 'anna')]);
    expect(causesOf('a', artefactsOf([RULE, OTHER]), after)).toEqual(['a']);
    expect(causesOf('beaconing', artefactsOf([RULE, OTHER]), after)).toEqual([]);
  });

  it('follows a correlation down to what it is about, although its own content is the same', () => {
    const above = [correlationText('c', ['a', 'b'], '5m', true), correlationText('d', ['c'], '5m', true)];
    const [before, after] = [artefactsOf([RULE, OTHER, ...above]), artefactsOf([LOOSER, OTHER, ...above])];
    expect(['a', 'c', 'd', 'b'].map((maker) => causesOf(maker, before, after))).toEqual([['a'], ['a'], ['a'], []]);
  });

  it('names filters that apply, on either side', () => {
    const correlation = correlationText('c', ['a'], '5m', true);
    const [before, after] = [artefactsOf([RULE, correlation]), artefactsOf([RULE, correlation, FILTER])];
    expect(causesOf('a', before, after)).toEqual(['f']);
    expect(causesOf('c', before, after)).toEqual(['f']);
    expect(causesOf('a', after, before)).toEqual(['f']);
  });

  it('names the correlation whose going lets a rule raise by itself, and what took the correlation along', () => {
    const correlation = correlationText('c', ['a', 'b']);
    expect(causesOf('a', artefactsOf([RULE, OTHER, correlation]), artefactsOf([RULE, OTHER]))).toEqual(['c']);
    // Without `b` the correlation is refused, although it is there.
    expect(causesOf('a', artefactsOf([RULE, OTHER, correlation]), artefactsOf([RULE, correlation]))).toEqual(['b']);
    // Where it stays, its change is none of the rule's business.
    const wider = correlationText('c', ['a', 'b'], '9m');
    expect(causesOf('a', artefactsOf([RULE, OTHER, correlation]), artefactsOf([RULE, OTHER, wider]))).toEqual([]);
  });

  it('names placeholders for rules that expand one that changed', () => {
    const text = (id: string, name: string): string =>
      ruleText(id, 'root').replace('user.uid: root', `user.uid|expand: '%${name}%'`);
    const rules = [text('a', 'admins'), text('b', 'guests'), correlationText('c', ['a'], '5m', true)];
    const placeholdersOf = (admin: string): ArtefactSide =>
      artefactsOf(rules, { placeholders: new Map([['admins', [admin]], ['guests', ['g']]]) }); // prettier-ignore
    const [before, after] = [placeholdersOf('x'), placeholdersOf('y')];
    expect(['a', 'b', 'c'].map((maker) => causesOf(maker, before, after))).toEqual([
      [PLACEHOLDERS_KEY],
      [],
      [PLACEHOLDERS_KEY],
    ]);
  });

  it('names declarations of sources and knowledge for whatever differs, detectors too', () => {
    const declarations = { ...declarationsOf(), skewMaxMs: 1 };
    const after = artefactsOf([RULE], { declarations, knowledge: 'now' });
    expect(causesOf('snooping-self', artefactsOf([RULE]), after)).toEqual([SOURCES_KEY, 'knowledge']);
  });
});
