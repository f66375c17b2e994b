import fc from 'fast-check';
import type { Detection } from '@protego/contracts';
import { leavesOf, recordOf, sectionsOf } from '@protego/event-log/standalone';
import type { DetectionClaim } from './detection-claim';
import { forged, type Forgery } from './testing/forger';
import { ENGINE, forgedId, inProofHouse, type ProofHouse } from './testing/proof-house';
import { verifyProof, type ProofReport, type VerifyProofOptions } from './verify-proof';

jest.setTimeout(120_000);

const verify = (bytes: Buffer, options: Partial<VerifyProofOptions> = {}): Promise<ProofReport> =>
  verifyProof(bytes, { engine: ENGINE, ...options });
const brief = ({ verdict, code }: ProofReport): [string, string] => [verdict, code];

/** A forgery by somebody without the key, and by a dishonest owner of it. */
async function bothWays(house: ProofHouse, bytes: Buffer, forgery: Forgery): Promise<[ProofReport, ProofReport]> {
  const without = await forged(bytes, house.directory, forgery);
  const owner = await forged(bytes, house.directory, forgery, house.house.keys.signer);
  return [await verify(without), await verify(owner)];
}

const shifted = (claim: DetectionClaim, changes: Partial<Detection>): DetectionClaim => ({
  ...claim,
  detection: { ...claim.detection, ...changes },
});

/** The claim that a forger makes after leaving some events out: everything that can be worked out fits. */
function relabelled(claim: DetectionClaim, bytes: Buffer, seqs: readonly number[]): DetectionClaim {
  const { seqs: all, leaves } = leavesOf(sectionsOf(bytes).records);
  const records = seqs.map((seq) => recordOf(seq, leaves[all.indexOf(seq)] as Buffer));
  const times = records.map(({ timeMs }) => timeMs);
  const [startMs, endMs] = [Math.min(...times), Math.max(...times)];
  const window = { start: new Date(startMs).toISOString(), end: new Date(endMs + 1).toISOString() };
  const said = {
    ...claim.detection,
    window,
    eventCount: seqs.length,
    value: seqs.length,
    certainAt: new Date(endMs).toISOString(),
  };
  const group = Object.fromEntries((said.group ?? []).map(({ field, text }) => [field, text]));
  const refs = records.map(({ event }) => [String(event['source']), String(event['id'])] as const);
  return { ...claim, seqs, detection: { ...said, id: forgedId(said, JSON.stringify(group), refs) } };
}

describe('a proof of a detection', () => {
  it.each(['privilege', 'many-failures', 'many-machines', 'failed-then-in'])('of the rule `%s` is valid', (ruleId) =>
    inProofHouse(async (house) => {
      const claim = await house.plan(ruleId);
      const bytes = await house.write(claim);
      expect(brief(await verify(bytes, { verifierKey: house.verifierKey }))).toEqual(['VALID', 'reproduced']);
      expect(claim.detection).toEqual(house.of(ruleId));
      if (ruleId === 'privilege') expect(claim.coverage).toEqual({ kind: 'records' });
      else expect(claim.coverage).toMatchObject({ kind: 'range' });
      // What cannot matter is not in it.
      if (claim.coverage.kind === 'range') expect(claim.coverage.fromSeq).toBeGreaterThan(200);
    }),
  );

  it('says what is wrong when an event was altered, and which', () =>
    inProofHouse(async (house) => {
      const claim = await house.plan('many-failures');
      const bytes = await house.write(claim);
      const seq = claim.seqs[1] as number;
      const alter: Forgery['alter'] = (at, leaf) =>
        at === seq ? Buffer.from(leaf.toString('latin1').replace('mallory', 'nurse-1'), 'latin1') : leaf;
      const clumsy = await bothWays(house, bytes, { alter, keepsList: true });
      for (const report of clumsy) {
        expect(brief(report)).toEqual(['INVALID', 'event-altered']);
        expect(report.reason).toContain(`at seq ${seq}`);
      }
      const [, owner] = await bothWays(house, bytes, { alter });
      expect(owner.verdict).toBe('INVALID');
      expect([owner.code, ...owner.notes].join(' ')).toMatch(/result-differs.*root of the checkpoint/);
    }));

  it('is refused when one contributing event of a count is left out, whatever else is made to fit', () =>
    inProofHouse(async (house) => {
      const claim = await house.plan('many-failures');
      const bytes = await house.write(claim);
      for (const left of claim.seqs) {
        const without = [left];
        const rest = claim.seqs.filter((seq) => seq !== left);
        for (const report of await bothWays(house, bytes, { without })) {
          expect(brief(report)).toEqual(['INVALID', 'event-missing']);
          expect(report.seq).toBe(left);
        }
        const renamed = { without, claim: (held: DetectionClaim) => relabelled(held, bytes, rest) };
        for (const report of await bothWays(house, bytes, renamed)) {
          expect(brief(report)).toEqual(['INVALID', 'range-broken']);
          expect(report.seq).toBe(left);
        }
        for (const kind of ['records', 'events'] as const) {
          const coverage = kind === 'records' ? { kind } : { kind, because: 'range-too-long' as const };
          const alone = {
            ...renamed,
            claim: (held: DetectionClaim) => ({ ...relabelled(held, bytes, rest), coverage }),
          };
          for (const report of await bothWays(house, bytes, alone)) {
            expect(brief(report)).toEqual(['INVALID', 'range-broken']);
            expect(report.reason).toContain('events may have been left out');
          }
        }
      }
    }));

  it('says which count the rule finds when the claim has another', () =>
    inProofHouse(async (house) => {
      const bytes = await house.write(await house.plan('many-failures'));
      const claim = (held: DetectionClaim): DetectionClaim => relabelled(held, bytes, held.seqs.slice(1));
      for (const report of await bothWays(house, bytes, { claim })) {
        expect(brief(report)).toEqual(['INVALID', 'result-differs']);
        expect(report.reason).toContain('finds 4 events with the value 4');
        expect(report.reason).toContain('claims 3 events with the value 3');
      }
    }));

  it('is never valid for a detection that only a later start makes', () =>
    inProofHouse(async (house) => {
      const whole = await house.plan('many-failures');
      if (whole.coverage.kind !== 'range') throw new Error('no range');
      // Six failures: from the second on, the fifth is the fourth.
      const from = (whole.seqs[0] as number) + 1;
      const later = { ...whole, coverage: { ...whole.coverage, toSeq: whole.coverage.toSeq + 5 } };
      const bytes = await house.write(later);
      const { seqs: all } = leavesOf(sectionsOf(bytes).records);
      const next = (whole.seqs.at(-1) as number) + 2;
      const claim = (held: DetectionClaim): DetectionClaim => ({
        ...relabelled(held, bytes, [...held.seqs.slice(1), next]),
        coverage: { kind: 'range', fromSeq: from, toSeq: later.coverage.toSeq },
      });
      const [without, owner] = await bothWays(house, bytes, { without: all.filter((seq) => seq < from), claim });
      expect(without.verdict).toBe('INVALID');
      expect(brief(owner)).toEqual(['PARTIAL', 'history-before-range']);
    }));

  it('is refused when the words, the rule or a declaration are others', () =>
    inProofHouse(async (house) => {
      const bytes = await house.write(await house.plan('many-failures'));
      const cases: [string, (claim: DetectionClaim) => unknown][] = [
        ['result-differs', (claim) => shifted(claim, { severity: 'low' })],
        ['result-differs', (claim) => shifted(claim, { why: 'nothing happened' })],
        ['result-differs', (claim) => shifted(claim, { id: '0'.repeat(32) })],
        ['claim-altered', (claim) => shifted(claim, { eventCount: 3 })],
        ['rule-altered', (claim) => shifted(claim, { ruleHash: '0'.repeat(64) })],
        ['rule-altered', (claim) => shifted(claim, { ruleId: 'failed-then-in' })],
        ['rule-altered', (claim) => textReplaced(claim, 'gte: 4', 'gte: 2')],
        ['rule-altered', (claim) => textReplaced(claim, 'access.sign-in-failed', 'access.signed-in')],
        ['rule-altered', (claim) => ({ ...claim, rules: { files: [], listing: null } })],
        ['rule-altered', (claim) => ({ ...claim, declarations: claim.declarations.slice(0, 1) })],
        [
          'rule-altered',
          (claim) => ({
            ...claim,
            declarations: claim.declarations.map(({ path, text }) => ({
              path,
              text: text.replace('svc-backup', 'svc-x'),
            })),
          }),
        ],
        ['file-damaged', (claim) => ({ ...claim, detection: { ...claim.detection, secret: 1 } })],
        ['file-damaged', () => undefined],
        ['claim-altered', (claim) => ({ ...claim, coverage: { kind: 'range', fromSeq: 0, toSeq: 10 } })],
      ];
      for (const [code, claim] of cases) {
        const [without, owner] = await bothWays(house, bytes, { claim });
        expect(without.verdict).toBe('INVALID');
        expect([owner.verdict, owner.code, claim.toString()]).toEqual(['INVALID', code, claim.toString()]);
      }
    }));

  it('does not take the key inside the file for that of the log', () =>
    inProofHouse(async (house) => {
      const bytes = await house.write(await house.plan('privilege'));
      const other = house.verifierKey.replace('general-hospital', 'other-hospital');
      expect(brief(await verify(bytes, { verifierKey: other }))).toEqual(['INVALID', 'log-differs']);
      expect((await verify(bytes)).isKeyGiven).toBe(false);
    }));

  it('is compared with a checkpoint that was kept', () =>
    inProofHouse(async (house) => {
      const before = await house.authority.checkpoint();
      const bytes = await house.write(await house.plan('privilege'));
      expect(brief(await verify(bytes, { against: before }))).toEqual(['PARTIAL', 'growth-unproven']);
      const { manifest } = await verify(bytes);
      const same = await verify(bytes, { against: String(manifest?.['checkpoint']) });
      expect(brief(same)).toEqual(['VALID', 'reproduced']);
      expect(same.isKeyGiven).toBe(true);
      expect(brief(await verify(bytes, { against: before.replace(/\n—/, 'x\n—') }))).toEqual([
        'INVALID',
        'log-differs',
      ]);
    }));

  it('is partial where the range would be too long, and says so', () =>
    inProofHouse(async (house) => {
      const claim = await house.plan('many-failures', 50);
      expect(claim.coverage).toMatchObject({ kind: 'range' });
      const report = await verify(await house.write(claim));
      expect(brief(report)).toEqual(['PARTIAL', 'history-before-range']);
      const tiny = await house.plan('many-failures', 2);
      expect(tiny.coverage).toEqual({ kind: 'events', because: 'range-too-long' });
    }));

  it('is never valid with any byte changed', () =>
    inProofHouse(async (house) => {
      for (const ruleId of ['privilege', 'many-machines']) {
        const bytes = await house.write(await house.plan(ruleId));
        await fc.assert(
          fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), fc.integer({ min: 1, max: 255 }), async (at, bits) => {
            const changed = Buffer.from(bytes);
            changed[at] = (changed[at] as number) ^ bits;
            expect((await verify(changed)).verdict).toBe('INVALID');
          }),
          { numRuns: 120 },
        );
        await fc.assert(
          fc.asyncProperty(fc.nat({ max: bytes.length - 1 }), async (length) => {
            expect((await verify(bytes.subarray(0, length))).verdict).toBe('INVALID');
          }),
          { numRuns: 30 },
        );
      }
    }));
});

function textReplaced(claim: DetectionClaim, from: string, to: string): DetectionClaim {
  if (claim.rules === null) throw new Error('no rules');
  const files = claim.rules.files.map(({ path, text }) => ({ path, text: text.replace(from, to) }));
  return { ...claim, rules: { ...claim.rules, files } };
}
