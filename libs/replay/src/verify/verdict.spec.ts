import { compileSigma } from '@protego/streams';
import type { RunManifest } from '../run/run-manifest';
import { compareRuns, type RunComparison, type RunPair } from './verdict';

const rules = compileSigma([
  {
    path: 'r.yml',
    text: `
title: Member
id: member
name: member
logsource: { category: access.signed-in, product: protego }
detection: { selection: { user.uid: root }, condition: selection }
level: low
---
title: Many
id: many
correlation: { type: event_count, rules: [member], timespan: 1m, condition: { gte: 2 } }
level: low
`,
  },
]);
const line = (n: number, ruleId: string, why = ''): string =>
  JSON.stringify({ certainAt: `2026-03-02T07:00:0${n}.000Z`, id: `${ruleId}-${n}`, ruleId, why });

function compare(
  recordedLines: string[],
  againLines: string[],
  change: Partial<Pick<RunPair, 'undecidableIds' | 'isErased'>> & { erasedSince?: boolean } = {},
): RunComparison {
  const manifest = (erasuresAt: number, lines: string[]): RunManifest =>
    ({ erasuresAt, counts: { detections: lines.length } }) as RunManifest;
  const { erasedSince = true, ...rest } = change;
  return compareRuns({
    ...{ rules, recordedLines, againLines, recorded: manifest(0, recordedLines) },
    again: manifest(erasedSince ? 9 : 0, againLines),
    ...{ seqsOf: (id) => [Number(id.split('-').at(-1))], isErased: () => false, undecidableIds: new Set() },
    ...rest,
  });
}

describe('compareRuns', () => {
  const all = [line(1, 'a'), line(2, 'member'), line(3, 'many')];

  it('says MATCH where every line is the same', () => {
    expect(compare(all, all)).toEqual({
      ...{ verdict: 'MATCH', preserved: 3, undecidable: 0, differing: 0, exceptions: [] },
    });
  });

  it('names the first line that differs', () => {
    expect(compare(all, all.slice(1))).toMatchObject({
      ...{ verdict: 'DIFFERS', preserved: 2, differing: 1 },
      first: { side: 'recorded', place: 1, line: all[0] },
    });
  });

  it('excepts what rests on an answer that is lost, through correlations as well', () => {
    const undecidableIds = new Set(['member']);
    expect(compare(all, all.slice(0, 1), { undecidableIds })).toMatchObject({
      ...{ verdict: 'MATCH-EXCEPT-ERASED', preserved: 1, undecidable: 2, differing: 0 },
      first: { side: 'recorded', place: 2 },
    });
    expect(compare(all, [], { undecidableIds })).toMatchObject({ verdict: 'DIFFERS', undecidable: 2, differing: 1 });
  });

  it('excepts a line whose words rest on an erased record', () => {
    const changed = [line(1, 'a', 'other words'), ...all.slice(1)];
    expect(compare(all, changed, { isErased: (seq) => seq === 1 })).toMatchObject({
      ...{ verdict: 'MATCH-EXCEPT-ERASED', preserved: 2, undecidable: 2 },
    });
    expect(compare(all, changed, { isErased: (seq) => seq === 2 }).verdict).toBe('DIFFERS');
  });

  it('excepts nothing where nobody was erased since', () => {
    const change = { undecidableIds: new Set(['member']), isErased: () => true, erasedSince: false };
    expect(compare(all, all.slice(0, 2), change).verdict).toBe('DIFFERS');
  });
});
