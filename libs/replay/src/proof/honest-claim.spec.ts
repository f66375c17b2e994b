import type { Detection, OpenPersonalFields, ProtegoEvent } from '@protego/contracts';
import { compileSigma, type DetectionResult, type PipelineArtefacts } from '@protego/streams';
import type { ReplayRecord } from '../replay-log';
import { checkClaim } from './check-claim';
import { artefactsOf } from './claim-artefacts';
import { runClaim } from './claim-run';
import { seqRangesOf, type DetectionClaim } from './detection-claim';
import { judgeClaim } from './judge-claim';
import { proofLogOf } from './proof-log';
import type { ProofJudgement } from './proof-verdict';
import { artefactsBehind, raisingRuleOf, rulesBehind } from './raising-rule';
import { ENGINE, inProofHouse, type ProofHouse } from './testing/proof-house';

jest.setTimeout(60_000);

const recordsFor = ({ reader }: ProofHouse, claim: DetectionClaim): ReplayRecord[] =>
  seqRangesOf(claim).flatMap((range) => [...reader.records(range)]);
const judge = (house: ProofHouse, claim: DetectionClaim): Promise<ProofJudgement> =>
  judgeClaim({ claim, records: recordsFor(house, claim), engine: ENGINE });
const withoutTiming = ({ timing: _timing, ...detection }: Detection): Detection => detection;

/** What rules make of the whole log, however little of their set they are. */
async function allMade(
  { reader, artefacts: { declarations } }: ProofHouse,
  files: readonly { readonly path: string; readonly text: string }[],
  ruleId: string,
): Promise<readonly DetectionResult[]> {
  const rules = compileSigma(files, { placeholders: new Map([['service_accounts', ['svc-backup']]]) });
  const artefacts: PipelineArtefacts = { rules, declarations };
  const records = [...reader.records({ fromSeq: 0, toSeq: reader.stat().size })];
  const detection = { id: '0'.repeat(32), ruleId };
  const run = await runClaim({ artefacts, detection, rules: rules.rules, records, beginsInImport: false });
  return run.others;
}

function rulesOf({ rules }: DetectionClaim): NonNullable<DetectionClaim['rules']> {
  if (rules === null) throw new Error('no rules');
  return rules;
}

describe('the claim of a building block', () => {
  it('is refused where another file takes its matches, and partial where that file may be missing', () =>
    inProofHouse(async (house) => {
      const whole = await house.plan('privilege');
      const rules = rulesOf(whole);
      const alone = rules.files.filter(({ path }) => path === 'members.yml');
      const [made] = await allMade(house, alone, 'failed');
      if (made === undefined) throw new Error('no match');
      const claim: DetectionClaim = { ...whole, detection: made.detection, seqs: made.seqs };
      expect(await judge(house, claim)).toMatchObject({ verdict: 'INVALID', code: 'result-differs' });
      for (const listing of [rules.listing, null]) {
        const some = { ...claim, rules: { files: alone, listing } };
        expect(await judge(house, some)).toMatchObject({ verdict: 'PARTIAL', code: 'set-unproven' });
      }
    }));
});

describe('the files of a claim', () => {
  it('are all of the set, in its order', () =>
    inProofHouse(async (house) => {
      const claim = await house.plan('many-failures');
      const rules = rulesOf(claim);
      expect(rules.files.map(({ path }) => path)).toEqual(rules.listing?.map(({ path }) => path));
      for (const files of [[...rules.files].reverse(), [...rules.files, rules.files[0] as (typeof rules.files)[0]]])
        expect(await judge(house, { ...claim, rules: { ...rules, files } })).toMatchObject({ code: 'rule-altered' });
    }));

  it('prove nothing of a member rule that nothing ties to the set', () =>
    inProofHouse(async (house) => {
      const claim = await house.plan('failed-then-in');
      const swap = (text: string): string => text.replace('access.sign-in-failed', 'access.signed-in');
      const files = rulesOf(claim).files.map(({ path, text }) => ({ path, text: swap(text) }));
      const [made] = await allMade(house, files, 'failed-then-in');
      if (made === undefined) throw new Error('the swapped rule finds nothing');
      // The correlation itself is the true one.
      expect(made.detection.ruleHash).toBe(claim.detection.ruleHash);
      const coverage = { kind: 'range', fromSeq: 0, toSeq: house.reader.stat().size } as const;
      const untrue: DetectionClaim = { ...claim, detection: made.detection, seqs: made.seqs, coverage };
      const [listed, unlisted] = [rulesOf(claim).listing, null].map((listing) => ({ files, listing }));
      expect(await judge(house, { ...untrue, rules: listed ?? null })).toMatchObject({
        verdict: 'INVALID',
        code: 'rule-altered',
      });
      expect(await judge(house, { ...untrue, rules: unlisted ?? null })).toMatchObject({
        verdict: 'PARTIAL',
        code: 'set-unproven',
      });
    }));
});

describe('a run on stored fields', () => {
  it.each([
    ['~s.person', false],
    ['~t.0', true],
  ])('of events that are grouped by %s needs clear text: %s', (uid, needsClear) =>
    inProofHouse(async (house) => {
      const claim = await house.plan('many-machines');
      const { artefacts } = artefactsOf(claim);
      const raising = raisingRuleOf(artefacts.rules, claim.detection);
      if (raising === undefined) throw new Error('no rule');
      const records = recordsFor(house, claim).map((record) => ({
        ...record,
        body: Buffer.from(Buffer.from(record.body).toString('utf8').replaceAll('"trudy"', `"${uid}"`)),
      }));
      const behind = artefactsBehind(artefacts, raising);
      const rules = rulesBehind(behind.rules, raising);
      const { detection } = claim;
      const outcome = await runClaim({ artefacts: behind, detection, rules, records, beginsInImport: false });
      expect(outcome.needsClear).toBe(needsClear);
    }),
  );
});

describe('the timing of a single event', () => {
  it('is left out where only the event is held, and said so', () =>
    inProofHouse(async (house) => {
      const claim = await house.plan('second-factor');
      expect([claim.coverage, claim.detection.timing]).toEqual([{ kind: 'records' }, undefined]);
      const judgement = await judge(house, claim);
      expect(judgement).toMatchObject({ verdict: 'VALID', leftOut: ['timing'] });
      expect(judgement.reason).toContain('whether the event came in time is left out');
    }));

  it('is proven where the range shows it, and then cannot be another', () =>
    inProofHouse(async (house) => {
      const claim = await house.plan('emergency');
      expect([claim.coverage.kind, claim.detection.timing]).toEqual(['range', 'late']);
      expect(await judge(house, claim)).toMatchObject({ verdict: 'VALID', leftOut: [] });
      const inTime = { ...claim, detection: withoutTiming(claim.detection) };
      expect(await judge(house, inTime)).toMatchObject({ verdict: 'INVALID', code: 'result-differs' });
      const alone: DetectionClaim = { ...inTime, coverage: { kind: 'records' } };
      expect(await judge(house, alone)).toMatchObject({ verdict: 'VALID', leftOut: ['timing'] });
      const skewed: DetectionClaim = { ...alone, detection: { ...claim.detection, timing: 'skewed' } };
      expect(await judge(house, skewed)).toMatchObject({ verdict: 'INVALID' });
    }));

  it('is that of the log before anything is signed, as is all that a run says', () =>
    inProofHouse(async (house) => {
      const differs = expect.objectContaining({ code: 'PROOF_DETECTION_DIFFERS' }) as unknown;
      await expect(house.plan('emergency', 10_000, withoutTiming)).rejects.toEqual(differs);
      const late = (detection: Detection): Detection => ({ ...detection, timing: 'late' });
      await expect(house.plan('second-factor', 10_000, late)).rejects.toEqual(differs);
      const calm = (detection: Detection): Detection => ({ ...detection, severity: 'low' });
      await expect(house.plan('many-failures', 10_000, calm)).rejects.toEqual(differs);
      // However little of it fits into a proof.
      await expect(house.plan('many-failures', 2, calm)).rejects.toEqual(differs);
    }));
});

describe('a record whose fields cannot be opened', () => {
  it('makes the claim partial where the rule asks for them, and the reason names it', () =>
    inProofHouse(async (house) => {
      const claim: DetectionClaim = { ...(await house.plan('many-failures')), fields: 'opened' };
      const seq = claim.seqs[1] as number;
      const records = recordsFor(house, claim);
      const sealedAt = (at: number): ReplayRecord[] =>
        records.map((record) => (record.seq === at ? { ...record, sealed: Buffer.alloc(17) } : record));
      const closed: OpenPersonalFields = (stored) =>
        Promise.resolve(
          stored.map(({ event }) => ({
            event: { ...(event as ProtegoEvent), data: { ...(event as ProtegoEvent).data, user: { uid: '~s.gone' } } },
            pseudonyms: new Map(),
            erased: ['/data/user/uid'],
          })),
        );
      const judgement = await judgeClaim({ claim, records: sealedAt(seq), open: closed, engine: ENGINE });
      expect(judgement).toMatchObject({ verdict: 'PARTIAL', code: 'keys-missing', seq });
      expect(judgement.reason).toContain(`at seq ${seq}`);
      // Nobody asks who signed in.
      const other = records.find(({ type, seq: at }) => type === 'access.signed-in' && at < seq) as ReplayRecord;
      const unasked = await judgeClaim({ claim, records: sealedAt(other.seq), open: closed, engine: ENGINE });
      expect(unasked.verdict).toBe('VALID');
    }));
});

describe('a record that holds no event', () => {
  it('is the fault of the proof, and of nothing else', () =>
    inProofHouse(async (house) => {
      const claim = await house.plan('many-failures');
      const records = recordsFor(house, claim).map((record) => {
        if (record.seq !== claim.seqs[0]) return record;
        const event = JSON.parse(Buffer.from(record.body).toString('utf8')) as object;
        return { ...record, body: Buffer.from(JSON.stringify({ ...event, data: null })) };
      });
      const judgement = await judgeClaim({ claim, records, engine: ENGINE });
      expect(judgement).toMatchObject({ verdict: 'INVALID', code: 'result-differs' });
      expect(judgement.reason).toContain(`seq ${claim.seqs[0]}`);
    }));
});

describe('checkClaim', () => {
  it('refuses to have signed what the log contradicts', () =>
    inProofHouse(async (house) => {
      const claim = await house.plan('many-failures');
      const log = proofLogOf(house.reader);
      const selection = { seqRanges: seqRangesOf(claim) };
      const check = (value: unknown, chosen: object = selection, recordsMax = 10_000): Promise<DetectionClaim> =>
        checkClaim({ claim: value, selection: chosen, log, recordsMax });
      expect(await check(claim)).toEqual(claim);
      const refused = expect.objectContaining({ code: 'PROOF_INVALID' }) as unknown;
      await expect(check({ note: 'the defendant did it' })).rejects.toEqual(refused);
      await expect(check({ ...claim, detection: { ...claim.detection, severity: 'low' } })).rejects.toEqual(refused);
      await expect(check({ ...claim, recordedSeq: claim.seqs[0] })).rejects.toEqual(refused);
      await expect(check(claim, { fromSeq: 0 })).rejects.toEqual(refused);
      await expect(check(claim, selection, 3)).rejects.toEqual(refused);
    }));
});
