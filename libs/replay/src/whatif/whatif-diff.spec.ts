import { thrownCodeOf } from '@protego/contracts/testing';
import { failedGates, type GateName } from './gates';
import { artefactsOf, ruleText } from './testing/artefact-kit';
import { START_MS, compare, detectionOf, factsOf, labelOf, manifestOf } from './testing/run-kit';
import type { WhatIfDiff } from './whatif-shape';

const changesOf = ({ differences }: WhatIfDiff): unknown[] =>
  differences.map(({ change, shiftMs, baseline, candidate }) => [change, shiftMs, (candidate ?? baseline)?.id]);
const failing = (diff: WhatIfDiff): GateName[] =>
  diff.gates.filter(({ failures }) => (failures ?? 0) > 0).map(({ gate }) => gate);

describe('whatIfDiffOf', () => {
  it('tells what was added, lost, moved and changed, and counts what only has another id', () => {
    const before = [
      detectionOf('same', { seqs: [1] }),
      detectionOf('gone', { atMinute: 2, seqs: [2] }),
      detectionOf('reissued', { atMinute: 3, seqs: [3], ruleHash: 'x' }),
      detectionOf('early', { atMinute: 9, seqs: [4, 5] }),
      detectionOf('weak', { atMinute: 10, seqs: [6] }),
    ];
    const after = [
      detectionOf('same', { seqs: [1] }),
      detectionOf('reissued2', { atMinute: 3, seqs: [3], ruleHash: 'y' }),
      detectionOf('early2', { atMinute: 5, seqs: [4, 5], ruleHash: 'y' }),
      detectionOf('new', { atMinute: 6, seqs: [7] }),
      detectionOf('weak', { atMinute: 10, seqs: [6], severity: 'low' }),
    ];
    const diff = compare(before, after);
    expect(changesOf(diff)).toEqual([
      ['lost', null, 'gone'],
      ['earlier', -240_000, 'early2'],
      ['added', null, 'new'],
      ['changed', 0, 'weak'],
    ]);
    const counts = { added: 1, lost: 1, earlier: 1, later: 0, changed: 1, reissued: 1 };
    expect(diff.kinds).toEqual([{ kind: 'detection', baseline: 5, candidate: 5, same: 1, unexplained: 0, ...counts }]);
    expect(diff.makers).toMatchObject([
      { maker: 'a', title: 'Rule a', ...counts, shiftMs: { least: -240_000, median: -240_000, greatest: -240_000 } },
    ]);
    expect(diff.differences.at(-1)?.aspects).toEqual([{ name: 'severity', baseline: 'high', candidate: 'low' }]);
    expect(diff.documents).toMatchObject([{ key: 'a', effects: { added: 1, lost: 1, earlier: 1, changed: 1 } }]);
    expect(failing(diff)).toEqual(['added', 'lost', 'changed', 'lower-severity']);
  });

  it('tells other events behind the same words', () => {
    const diff = compare([detectionOf('x', { seqs: [1, 2] })], [detectionOf('y', { seqs: [1, 3] })]);
    expect(diff.differences[0]?.aspects).toEqual([
      { name: 'events that it rests on', baseline: '2, of them 1 in both', candidate: '2, of them 1 in both' },
    ]);
  });

  it('warns of a difference that no changed document explains', () => {
    const diff = compare([], [detectionOf('x', { ruleId: 'beaconing' })]);
    expect(diff.kinds[0]?.unexplained).toBe(1);
    expect(failing(diff)).toEqual(['added', 'unexplained']);
  });

  it('says who and what is affected, by tokens, from entities, events and what was said of them before', () => {
    const entities = [
      { kind: 'person', id: '~s.a' },
      { kind: 'device', id: 'pump-1' },
    ];
    const person = { kind: 'person' as const, id: '~s.a' };
    const facts = [
      factsOf(1, [
        { kind: 'patient', id: '~p.x', ward: 'icu', role: null },
        { kind: 'device', id: 'pump-1', ward: 'icu', role: 'infusion-pump' },
      ]),
      factsOf(9, [{ ...person, ward: 'elsewhere', role: 'physician' }]),
    ];
    const knowledge = (): typeof facts => [factsOf(0, [{ ...person, ward: 'surgery', role: 'nurse' }])];
    const diff = compare([detectionOf('x', { entities })], [], { facts, knowledge });
    expect(diff.differences[0]?.affected).toEqual({
      ward: 'surgery',
      persons: ['~s.a'],
      roles: ['nurse'],
      devices: ['pump-1'],
      patients: ['~p.x'],
    });
    expect(diff.affected).toMatchObject({
      ...{ persons: 1, patients: 1, devices: 1 },
      byWard: [{ name: 'surgery', lost: 1, added: 0, patients: 1 }],
      byRole: [{ name: 'nurse', lost: 1 }],
      byDevice: [{ name: 'pump-1', lost: 1 }],
    });
  });

  it('falls back to the ward of most devices of the events, and says where no ward is known', () => {
    const device = (id: string, ward: string) => ({ kind: 'device' as const, id, ward, role: null });
    const facts = [factsOf(1, [device('d1', 'b')]), factsOf(2, [device('d2', 'a')]), factsOf(3, [device('d3', 'b')])];
    const diff = compare([detectionOf('x', { seqs: [1, 2, 3] }), detectionOf('y', { atMinute: 2, seqs: [4] })], [], {
      facts,
    });
    expect(diff.differences.map(({ affected }) => affected.ward)).toEqual(['b', null]);
    expect(diff.affected.byWard.map(({ name }) => name)).toEqual(['b', null]);
  });

  it('sums what wards have to deal with by day, without what was muted', () => {
    const day = 24 * 60;
    const before = [detectionOf('x'), detectionOf('y', { atMinute: 2 * day, status: 'muted' })];
    const after = [detectionOf('x'), detectionOf('y', { atMinute: 2 * day })];
    expect(compare(before, after).load).toEqual({
      days: ['2026-03-02', '2026-03-03', '2026-03-04'],
      wards: [{ ward: null, baseline: [1, 0, 0], candidate: [1, 0, 1] }],
      leftOut: 0,
    });
  });

  it('measures precision and recall, and names attacks that are lost or found', () => {
    const facts = [1, 2, 3, 4].map((seq) => factsOf(seq));
    const labels = { labels: [labelOf('l1', 1), labelOf('l2', 2), labelOf('t', 3, 'benign-twin')], namesOf: () => [] };
    const [one, two, twin, none] = [1, 2, 3, 4].map((seq) => detectionOf(`d${seq}`, { atMinute: seq, seqs: [seq] }));
    const diff = compare([one, none] as never, [two, twin, none] as never, { facts, labels });
    expect(diff.labels).toMatchObject({
      baseline: { findings: 2, truePositives: 1, falsePositives: 1, onTwins: 0, precision: 0.5, recall: 0.5 },
      candidate: { findings: 3, truePositives: 1, falsePositives: 2, onTwins: 1, precision: 0.3333, recall: 0.5 },
      lostAttacks: [{ label: 'l1', makers: ['a'] }],
      foundAttacks: [{ label: 'l2', makers: ['a'] }],
    });
    expect(diff.differences.map(({ change, verdict }) => [change, verdict])).toEqual([
      ['lost', 'attack'],
      ['added', 'attack'],
      ['added', 'benign-twin'],
    ]);
    expect(failing(diff)).toEqual([
      ...['added', 'lost', 'lost-true-positive', 'added-false-positive', 'lost-attack', 'lower-precision'],
    ]);
  });

  it('leaves attacks outside of the range out of recall', () => {
    const facts = [factsOf(1)];
    const labels = { labels: [labelOf('l1', 1)], namesOf: () => [] };
    const later = new Date(START_MS + 86_400_000).toISOString();
    const manifest = { ...manifestOf(0), range: { ...manifestOf(0).range, emitFrom: later } };
    const side = { name: 's', manifest, artefacts: artefactsOf([]) };
    expect(compare([], [], { facts, labels, baseline: side, candidate: side }).labels?.baseline.attacks).toBe(0);
  });

  it('counts documents that only the candidate leaves out as wrong', () => {
    const broken = artefactsOf([ruleText('a', 'root'), 'title: no rule\n']);
    const diff = compare([], [], { candidate: { name: 'new', manifest: manifestOf(0), artefacts: broken } });
    expect(diff.leftOut.candidate).toMatchObject([{ path: '1.yml', code: 'SIGMA_RULE_INVALID' }]);
    expect(failing(diff)).toEqual(['broken-document']);
  });

  it('decides by the gates that were asked for', () => {
    const gates: GateName[] = ['added', 'later'];
    const diff = compare([detectionOf('x')], [], { gates });
    expect(failedGates(diff.gates)).toEqual([]);
    expect(failedGates(compare([], [detectionOf('x')], { gates }).gates).map(({ gate }) => gate)).toEqual(['added']);
  });

  it('refuses to decide by labels of which neither run finds an attack', () => {
    const facts = [factsOf(1), factsOf(2)];
    const [one, other] = [1, 2].map((seq) => detectionOf(`d${seq}`, { atMinute: seq, seqs: [seq] }));
    const gates: GateName[] = ['lost-attack'];
    const comparedWith = (...labels: readonly ReturnType<typeof labelOf>[]): unknown =>
      compare([one] as never, [other] as never, { facts, gates, labels: { labels, namesOf: () => [] } });
    for (const foreign of [[], [labelOf('l9', 9)]]) {
      expect(thrownCodeOf(() => comparedWith(...foreign))).toBe('LABELS_INVALID');
    }
    expect(thrownCodeOf(() => comparedWith(labelOf('l1', 1)))).toBeUndefined();
  });

  it('refuses runs over different ranges or logs', () => {
    const other = { ...manifestOf(0), range: { ...manifestOf(0).range, emitTo: '2026-03-02T08:00:00.000Z' } };
    const candidate = { name: 'new', manifest: other, artefacts: artefactsOf([]) };
    expect(() => compare([], [], { candidate })).toThrow(expect.objectContaining({ code: 'MANIFEST_INVALID' }));
  });
});
