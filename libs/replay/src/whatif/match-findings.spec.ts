import * as fc from 'fast-check';
import { DETECTION_KIND } from './detection-source';
import { compareFindings, type Finding, type FindingKind } from './finding';
import { matchFindings, type MatchedFindings } from './match-findings';
import { findingOf } from './testing/finding-kit';

const match = (
  baseline: readonly Finding[],
  candidate: readonly Finding[],
  kind: FindingKind = DETECTION_KIND,
): MatchedFindings => matchFindings({ kind, baseline, candidate });
const idsOf = ({ same, pairs, lost, added }: MatchedFindings): object => ({
  same: same.length,
  pairs: pairs.map((pair) => [pair.baseline.id, pair.candidate.id]),
  lost: lost.map(({ id }) => id),
  added: added.map(({ id }) => id),
});

describe('matchFindings', () => {
  it('takes equal findings as the same, and tells what one side lacks', () => {
    const [a, b, c] = [
      findingOf({ id: 'a', timeMs: 1 }),
      findingOf({ id: 'b', timeMs: 2 }),
      findingOf({ id: 'c', timeMs: 3, seqs: [2] }),
    ];
    expect(idsOf(match([a, b], [a, c]))).toEqual({ same: 1, pairs: [], lost: ['b'], added: ['c'] });
  });

  it('takes one id as one finding, whatever it says', () => {
    const [a, muted] = [findingOf({ id: 'a' }), findingOf({ id: 'a', aspects: { status: 'muted' } })];
    expect(idsOf(match([a], [muted]))).toMatchObject({ same: 0, pairs: [['a', 'a']] });
    const later = findingOf({ id: 'a', timeMs: 99 });
    expect(idsOf(match([a], [later]))).toMatchObject({ same: 0, pairs: [['a', 'a']], lost: [], added: [] });
  });

  it('takes findings of one maker that rest on a common event as one, and of two makers never', () => {
    const before = findingOf({ id: 'a', makerHash: '1', seqs: [1, 2, 3], timeMs: 30 });
    const after = findingOf({ id: 'b', makerHash: '2', seqs: [2, 3, 4], timeMs: 40 });
    expect(idsOf(match([before], [after]))).toMatchObject({ pairs: [['a', 'b']] });
    expect(idsOf(match([before], [{ ...after, makerId: 'other' }]))).toMatchObject({ lost: ['a'], added: ['b'] });
    expect(idsOf(match([before], [{ ...after, seqs: [4, 5] }]))).toMatchObject({ lost: ['a'], added: ['b'] });
  });

  it('wants groups of the same fields to agree, and compares others by their events alone', () => {
    const before = findingOf({ id: 'a', seqs: [1], group: { user: 'x' } });
    const after = (group: Record<string, string>): Finding => findingOf({ id: 'b', seqs: [1], group });
    expect(idsOf(match([before], [after({ user: 'y' })]))).toMatchObject({ lost: ['a'], added: ['b'] });
    expect(idsOf(match([before], [after({ user: 'x' })]))).toMatchObject({ pairs: [['a', 'b']] });
    expect(idsOf(match([before], [after({ device: 'y' })]))).toMatchObject({ pairs: [['a', 'b']] });
  });

  it('pairs what has most in common first, then what is closest in time, each finding once', () => {
    const before = [
      findingOf({ id: 'a', seqs: [1, 2, 3], timeMs: 10 }),
      findingOf({ id: 'b', seqs: [3, 4], timeMs: 20 }),
    ];
    const after = [
      findingOf({ id: 'c', seqs: [3, 4, 5], timeMs: 21 }),
      findingOf({ id: 'd', seqs: [1, 5], timeMs: 22 }),
    ];
    expect(idsOf(match(before, after))).toMatchObject({
      pairs: [
        ['a', 'd'],
        ['b', 'c'],
      ],
      lost: [],
      added: [],
    });
    const near = [findingOf({ id: 'e', seqs: [1], timeMs: 50 }), findingOf({ id: 'f', seqs: [1], timeMs: 11 })];
    expect(idsOf(match([findingOf({ id: 'a', seqs: [1], timeMs: 10 })], near))).toMatchObject({
      pairs: [['a', 'f']],
      added: ['e'],
    });
  });

  it('leaves findings that cannot move where their ids put them', () => {
    const decisions: FindingKind = { name: 'decision', words: ['decision', 'decisions'], canMove: false };
    const [a, b] = [findingOf({ id: 'a', seqs: [1] }), findingOf({ id: 'b', seqs: [1] })];
    expect(idsOf(match([a], [b], decisions))).toMatchObject({ pairs: [], lost: ['a'], added: ['b'] });
  });
});

const finding = fc
  .record({
    id: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'),
    makerId: fc.constantFrom('r1', 'r2'),
    timeMs: fc.integer({ min: 0, max: 6 }),
    seqs: fc.uniqueArray(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 4 }),
    severity: fc.constantFrom('low', 'high'),
    group: fc.option(fc.record({ user: fc.constantFrom('x', 'y') }), { nil: undefined }),
  })
  .map(({ severity, seqs, ...rest }) =>
    findingOf({ ...rest, seqs: [...seqs].sort((a, b) => a - b), aspects: { severity } }),
  );
const run = fc
  .uniqueArray(finding, { maxLength: 8, selector: ({ id }) => id })
  .map((findings) => findings.sort(compareFindings));

describe('matchFindings, of any two runs', () => {
  it('finds no difference between a run and itself', () => {
    fc.assert(
      fc.property(run, (findings) => {
        expect(idsOf(match(findings, findings))).toEqual({ same: findings.length, pairs: [], lost: [], added: [] });
      }),
    );
  });

  it('mirrors when the sides change places', () => {
    fc.assert(
      fc.property(run, run, (baseline, candidate) => {
        const there = match(baseline, candidate);
        const back = match(candidate, baseline);
        const turned = back.pairs.map((pair) => [pair.candidate.id, pair.baseline.id]).sort();
        expect(there.pairs.map((pair) => [pair.baseline.id, pair.candidate.id]).sort()).toEqual(turned);
        expect(there.lost).toEqual(back.added);
        expect(there.added).toEqual(back.lost);
        expect(there.same).toHaveLength(back.same.length);
      }),
      { numRuns: 2_000 },
    );
  });

  it('does not hang on the order in which findings come', () => {
    const shuffled = run.chain((findings) =>
      fc.tuple(
        fc.constant(findings),
        fc.shuffledSubarray(findings, { minLength: findings.length, maxLength: findings.length }),
      ),
    );
    fc.assert(
      fc.property(shuffled, shuffled, ([baseline, mixed], [candidate, alsoMixed]) => {
        expect(idsOf(match(mixed, alsoMixed))).toEqual(idsOf(match(baseline, candidate)));
      }),
      { numRuns: 1_000 },
    );
  });

  it('puts every finding of either run into exactly one place', () => {
    fc.assert(
      fc.property(run, run, (baseline, candidate) => {
        const { same, pairs, lost, added } = match(baseline, candidate);
        const left = [...pairs.map((pair) => pair.baseline.id), ...lost.map(({ id }) => id)];
        const right = [...pairs.map((pair) => pair.candidate.id), ...added.map(({ id }) => id)];
        expect([new Set(left).size, left.length]).toEqual([left.length, baseline.length - same.length]);
        expect([new Set(right).size, right.length]).toEqual([right.length, candidate.length - same.length]);
      }),
    );
  });
});
