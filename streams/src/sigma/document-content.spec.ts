import { sigmaContentsOf } from './document-content';
import { parseSigmaFile } from './document';

const RULE = `
title: One
id: r1
logsource: { category: access.signed-in, product: protego }
detection:
  inside: { src_endpoint.ip|expand: ['%clinic%', '%clinic%', 'x%yard%'] , note: '%plain%' }
  condition: inside
level: low
protego:
  why: Somebody signed in.
  budget: 2
  cases: [{ name: a, match: true, event: { type: access.signed-in, data: {} } }]
`;
const CORRELATION = `
title: Several
id: c1
correlation: { type: event_count, rules: [r1], group-by: [user.uid], timespan: 5m, condition: { gte: 3 } }
`;
const placeholders = new Map([
  ['clinic', ['10.1.1.1']],
  ['yard', ['a']],
]);
const contentsOf = (text: string): ReturnType<typeof sigmaContentsOf> =>
  sigmaContentsOf([{ path: 'f.yml', text }], { placeholders });

describe('sigmaContentsOf', () => {
  it('gives every document of a file with the hash that it has by itself', () => {
    const contents = contentsOf(`${RULE}---${CORRELATION}`);
    expect(contents.map(({ id, kind, title }) => [id, kind, title])).toEqual([
      ['r1', 'rule', 'One'],
      ['c1', 'correlation', 'Several'],
    ]);
    const parsed = parseSigmaFile(`${RULE}---${CORRELATION}`, 'f.yml', placeholders);
    expect(contents.map(({ contentHash }) => contentHash)).toEqual(parsed.map(({ contentHash }) => contentHash));
  });

  it('leaves cases and budget out, which decide nothing', () => {
    expect(contentsOf(RULE)[0]?.content).toMatchObject({ level: 'low', protego: { why: 'Somebody signed in.' } });
    expect(JSON.stringify(contentsOf(RULE)[0]?.content)).not.toMatch(/budget|cases/);
  });

  it('names the placeholders that are expanded, and no others', () => {
    expect(contentsOf(RULE)[0]?.placeholders).toEqual(['clinic', 'yard']);
  });

  it('leaves out what cannot be read', () => {
    expect(contentsOf(`${RULE}---\ntitle: no rule\n`).map(({ id }) => id)).toEqual(['r1']);
    expect(contentsOf('a: [')).toEqual([]);
  });
});
