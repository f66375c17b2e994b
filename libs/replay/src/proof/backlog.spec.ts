import type { Detection } from '@protego/contracts';
import type { DetectionResult } from '@protego/streams';
import type { ReplayRecord } from '../replay-log';
import { artefactsOf } from './claim-artefacts';
import { runClaim } from './claim-run';
import { seqRangesOf, type DetectionClaim } from './detection-claim';
import { judgeClaim } from './judge-claim';
import type { ProofJudgement } from './proof-verdict';
import { artefactsBehind, raisingRuleOf, rulesBehind } from './raising-rule';
import { ENGINE, inProofHouse, type ProofHouse, type Said } from './testing/proof-house';

jest.setTimeout(60_000);

const SECONDS = 1_200;
const FAILED_AT_S = 900;
/** A run that begins here has never seen the slow feed come in time. */
const SUFFIX_FROM_S = 500;
const DELAY_MS_MAX = 5_000;

/** Every second somebody signs in; a second feed falls behind, further than its lateness, and speaks first of one account. */
function historyOf(): Said[] {
  const data = (uid: string): Said['data'] => ({ user: { uid }, device: { uid: 'pc-1' } });
  const said: Said[] = [];
  for (let s = 0; s < SECONDS; s++)
    said.push({ atMs: s * 1_000, type: 'access.signed-in', data: data(`nurse-${s % 50}`) });
  for (let s = 10; s < SECONDS; s += 20) {
    const delayMs = Math.min(DELAY_MS_MAX, 300 + Math.max(0, s - 100) * 20);
    const arrivedAtMs = s * 1_000 + 500;
    said.push({
      atMs: arrivedAtMs - delayMs,
      arrivedAtMs,
      source: 'vpn',
      type: 'access.signed-in',
      data: data('nora'),
    });
  }
  const failed = { type: 'access.sign-in-failed', data: data('mallory') };
  const atMs = FAILED_AT_S * 1_000 + 100;
  said.push({ atMs, arrivedAtMs: atMs + DELAY_MS_MAX, source: 'vpn', ...failed });
  for (const afterMs of [2_000, 4_000, 6_000, 8_000]) said.push({ atMs: atMs + afterMs, ...failed });
  return said.sort((a, b) => (a.arrivedAtMs ?? a.atMs) - (b.arrivedAtMs ?? b.atMs));
}

const inBacklog = (use: (house: ProofHouse) => Promise<void>): Promise<void> => inProofHouse(use, historyOf());

const judge = ({ reader }: ProofHouse, claim: DetectionClaim): Promise<ProofJudgement> => {
  const records = seqRangesOf(claim).flatMap((range) => [...reader.records(range)]);
  return judgeClaim({ claim, records, engine: ENGINE });
};

/** What the rule makes of the records from {@link SUFFIX_FROM_S} on, when it knows nothing of what came before. */
async function madeOfSuffix({ reader }: ProofHouse, claim: DetectionClaim): Promise<[DetectionResult, ReplayRecord[]]> {
  const { artefacts } = artefactsOf(claim);
  const raising = raisingRuleOf(artefacts.rules, claim.detection);
  if (raising === undefined) throw new Error('no rule');
  const all = [...reader.records({ fromSeq: 0, toSeq: reader.stat().size })];
  const fromMs = (all[0] as ReplayRecord).arrivedAtMs + SUFFIX_FROM_S * 1_000;
  const records = all.filter(({ arrivedAtMs }) => arrivedAtMs >= fromMs);
  const behind = artefactsBehind(artefacts, raising);
  const detection = { id: '0'.repeat(32), ruleId: claim.detection.ruleId };
  const rules = rulesBehind(behind.rules, raising);
  const run = await runClaim({ artefacts: behind, detection, rules, records, beginsInImport: false });
  return [run.others[0] as DetectionResult, records];
}

describe('a feed that has fallen further behind than its lateness', () => {
  it('is in time for the run over everything, and the proof reaches back to where that began', () =>
    inBacklog(async (house) => {
      const claim = await house.plan('many-failures');
      expect(claim.coverage).toMatchObject({ kind: 'range', fromSeq: 0 });
      expect(await judge(house, claim)).toMatchObject({ verdict: 'VALID', code: 'reproduced' });
    }));

  it('is said to be why a proof that may not be so long is partial', () =>
    inBacklog(async (house) => {
      const claim = await house.plan('many-failures', 600);
      expect(claim.coverage.kind).toBe('range');
      const judgement = await judge(house, claim);
      expect(judgement).toMatchObject({ verdict: 'PARTIAL', code: 'history-before-range' });
      expect(judgement.reason).toContain('hangs on more of what came before');
    }));

  it('lets nobody pass off what a run finds that knows nothing of it', () =>
    inBacklog(async (house) => {
      const claim = await house.plan('many-failures');
      const [{ detection, seqs }, records] = await madeOfSuffix(house, claim);
      expect([detection.id, seqs]).not.toEqual([claim.detection.id, claim.seqs]);
      const toSeq = (seqs.at(-1) as number) + 10;
      const coverage = { kind: 'range', fromSeq: (records[0] as ReplayRecord).seq, toSeq } as const;
      const forged: DetectionClaim = { ...claim, detection, seqs, coverage };
      expect(await judge(house, forged)).toMatchObject({ verdict: 'PARTIAL', code: 'history-before-range' });
      const written = (): Detection => detection;
      const differs = expect.objectContaining({ code: 'PROOF_DETECTION_DIFFERS' }) as unknown;
      await expect(house.plan('many-failures', 10_000, written)).rejects.toEqual(differs);
      await expect(house.plan('many-failures', 600, written)).rejects.toEqual(differs);
    }));
});
